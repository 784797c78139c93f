"""What was answered to a request that bore an idempotency key."""

from django.db import models


class KeptReply(models.Model):
    """The first answer to a key of a login. Written in the transaction of the change, or not at all."""

    user_id = models.BigIntegerField()
    key = models.CharField(max_length=128)
    digest = models.CharField(
        max_length=64, help_text="Of method, address and content: what the key stands for."
    )
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="reply_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}: {self.status}"
