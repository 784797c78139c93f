"""Roll-ups of deals: folded sums for every node of every tree, and the queue of changes not yet folded.

A reader always adds the queue to the nodes in one statement (`selectors.node_cells`); nodes alone are stale
by design. Writers append to the queue through a database trigger and never touch an ancestor.
"""

from django.db import models

from pipeline.domain.trees import TITLES, Tree


class RollupNode(models.Model):
    """Sums of the deals under one node, for one fiscal month of close, category, subcategory and currency.

    `month_id` 0 = no close date; `subcategory_id` 0 = none; `node_id` 0 = deals without owner, territory or
    family. Amounts are in the deals' own currency. `weighted` has 8 decimals: 4 of the amount, 2 of the
    percentage, 2 of the division by 100, so that it is exact.
    """

    tree = models.PositiveSmallIntegerField(choices=[(tree.value, TITLES[tree]) for tree in Tree])
    node_id = models.BigIntegerField()
    month_id = models.BigIntegerField()
    category = models.CharField(max_length=8)
    subcategory_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    deals = models.BigIntegerField()
    unpriced = models.BigIntegerField(help_text="Deals among them without an amount.")
    amount = models.DecimalField(max_digits=24, decimal_places=4)
    weighted = models.DecimalField(max_digits=32, decimal_places=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tree", "node_id", "month_id", "category", "subcategory_id", "currency"],
                name="rollup_node_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tree}:{self.node_id} {self.month_id} {self.category} {self.amount} {self.currency}"


class RollupQueue(models.Model):
    """A change of a leaf's sums, waiting to be folded into its ancestors. Transient."""

    owner_id = models.BigIntegerField(null=True)
    territory_id = models.BigIntegerField(null=True)
    family_id = models.BigIntegerField(null=True)
    month_id = models.BigIntegerField()
    category = models.CharField(max_length=8)
    subcategory_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    deals = models.IntegerField()
    unpriced = models.IntegerField()
    amount = models.DecimalField(max_digits=24, decimal_places=4)
    weighted = models.DecimalField(max_digits=32, decimal_places=8)
    queued_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.owner_id} {self.month_id} {self.category} {self.amount:+}"


class RollupLedger(models.Model):
    """What a version of a deal adds from the instant it begins, or takes off again when it ends. Append-only.

    Written by triggers on the versions, so the sum of all rows up to an instant is what was true then, as known now;
    a version known no longer is written off at the instants where it had been written. The close date and the
    product are kept rather than month and family, so a new calendar or a moved product changes nothing here.
    """

    at = models.DateTimeField()
    owner_id = models.BigIntegerField(null=True)
    territory_id = models.BigIntegerField(null=True)
    product_id = models.BigIntegerField(null=True)
    close_date = models.DateField(null=True)
    category = models.CharField(max_length=8)
    subcategory_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    deals = models.IntegerField()
    unpriced = models.IntegerField()
    amount = models.DecimalField(max_digits=24, decimal_places=4)
    weighted = models.DecimalField(max_digits=32, decimal_places=8)

    class Meta:
        indexes = [models.Index(fields=["close_date", "at"], name="ledger_day_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.owner_id} {self.category} {self.amount:+}"


class RollupCheckpoint(models.Model):
    """An instant up to which the ledger is summed, by the months of one calendar.

    Its cells hold the ledger rows with `id <= watermark`; rows written later but dated earlier are added by whoever
    reads, until they are folded in and the watermark rises. Without checkpoints the past is slower, never other.
    """

    at = models.DateTimeField()
    calendar_id = models.BigIntegerField()
    watermark = models.BigIntegerField()
    built_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar_id", "at"], name="checkpoint_once")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} up to {self.watermark}"


class RollupCheckpointCell(models.Model):
    """The sums of one leaf at a checkpoint: an owner, territory or product (`tree` OWN, TERRITORY_OWN, FAMILY_OWN).

    Leaves only: who leads whom depends on the day asked about, so ancestors are formed when read. `member_id` 0 =
    none. Cells without their checkpoint are waste that the next refresh sweeps up.
    """

    pk = models.CompositePrimaryKey(
        "checkpoint_id", "tree", "month_id", "member_id", "category", "subcategory_id", "currency"
    )
    checkpoint_id = models.BigIntegerField()
    tree = models.PositiveSmallIntegerField()
    month_id = models.BigIntegerField()
    member_id = models.BigIntegerField()
    category = models.CharField(max_length=8)
    subcategory_id = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    deals = models.BigIntegerField()
    unpriced = models.BigIntegerField()
    amount = models.DecimalField(max_digits=24, decimal_places=4)
    weighted = models.DecimalField(max_digits=32, decimal_places=8)

    def __str__(self) -> str:
        return f"{self.checkpoint_id}: {self.member_id} {self.month_id} {self.category} {self.amount}"


class RollupState(models.Model):
    """One row: when roll-ups were last folded, rebuilt and compared with the deals, and all data last verified.

    `broken` names the invariants that did not hold at `verified_at`, separated by spaces; None before the first time.
    """

    folded_at = models.DateTimeField(null=True)
    rebuilt_at = models.DateTimeField(null=True)
    reconciled_at = models.DateTimeField(null=True)
    differences = models.PositiveIntegerField(default=0)
    verified_at = models.DateTimeField(null=True)
    broken = models.TextField(null=True)

    def __str__(self) -> str:
        return f"folded {self.folded_at}"
