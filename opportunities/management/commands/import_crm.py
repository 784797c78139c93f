"""Import a CRM export from the command line, through the same code as the wizard."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from opportunities.crm.recognise import PRESETS
from opportunities.domain.import_json import MappingError, mapping_from_json, mapping_to_json
from opportunities.domain.import_mapping import ImportMapping
from opportunities.domain.import_plan import Plan
from opportunities.selectors.imports import batch_summary, problem_groups, problems_of, questions_of
from opportunities.services.imports import (
    ImportRefused,
    accept_suggestions,
    answer_import,
    plan_import,
    recognise_import,
    start_import,
    trial,
)
from opportunities.services.imports_jobs import APPLY_IMPORT
from opportunities.services.imports_undo import undo_import
from organization.domain.scope import Scope
from salesops.jobs.services import run_here
from salesops.kernel.said import Said
from salesops.kernel.tabular import UnreadableFile

EXIT_REFUSED, EXIT_QUESTIONS, EXIT_REJECTS = 1, 3, 4
SHOWN_PROBLEMS = 20
WHY_LEFT = {
    "CHANGED": "changed since",
    "IN_USE": "named by something that stays",
    "GONE": "what it was before can no longer be",
}

EPILOG = """exit codes: 0 all rows taken or unchanged; 1 refused (file, mapping or option); 2 wrong usage;
3 questions are open, nothing was written; 4 imported, but some rows were rejected."""


class Command(BaseCommand):
    """`manage.py import_crm PATH`."""

    help = "Import deals and what they refer to from a file, folder or zip. " + EPILOG
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("path", nargs="?", help="CSV or XLSX file, folder, or zip of one export")
        parser.add_argument(
            "--preset",
            default="",
            choices=["", *PRESETS],
            metavar="PRESET",
            help=f"one of: {', '.join(PRESETS)}",
        )
        parser.add_argument("--mapping", metavar="FILE", help="JSON mapping to use instead of a preset")
        parser.add_argument(
            "--print-mapping", action="store_true", help="print the mapping that would be used, and stop"
        )
        parser.add_argument(
            "--source", default="", help="name of the source system; identities are unique within it"
        )
        parser.add_argument(
            "--answer", action="append", default=[], metavar="KEY=VALUE", help="answer a question"
        )
        parser.add_argument(
            "--repair",
            action="append",
            default=[],
            metavar="COLUMN:FROM=TO",
            help="replace a value in all its rows",
        )
        parser.add_argument("--accept-suggestions", action="store_true", help="follow every suggestion made")
        parser.add_argument(
            "--time-zone",
            default="",
            metavar="ZONE",
            help="business time zone of the export, such as Europe/Amsterdam",
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would happen; write nothing")
        parser.add_argument("--undo", type=int, metavar="BATCH", help="undo the import with this number")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, and exit with a code that says how it went."""
        try:
            if options["undo"]:
                self._undo(options["undo"], options["as_json"])
                return
            if not options["path"]:
                raise CommandError("Name a file, folder or zip to import.", returncode=2)
            self._import(options)
        except UnreadableFile as error:
            message = f"{error.problem.file} {error.problem.message}. {error.problem.cure}"
            raise CommandError(message, returncode=EXIT_REFUSED) from error
        except (ImportRefused, MappingError) as error:
            raise CommandError(str(error), returncode=EXIT_REFUSED) from error

    def _undo(self, batch_id: int, as_json: bool) -> None:
        done = undo_import(batch_id=batch_id, actor_id=None, actor_name="import_crm")
        if as_json:
            self.stdout.write(json.dumps(done.told(), ensure_ascii=False))
            return
        self.stdout.write(
            f"Import {batch_id} undone: {done.deals_removed} deals removed, {done.deals_restored} restored, "
            f"{done.deals_kept} left (changed since); {done.records} other records put back or removed, "
            f"{done.records_kept} left."
        )
        for kept in done.kept:
            self.stdout.write(f"  left: {kept.kind.lower()} “{kept.name}” ({WHY_LEFT[kept.reason]})")

    def _import(self, options: dict[str, Any]) -> None:
        if options["dry_run"] or options["print_mapping"]:
            with trial() as folder:
                self._run(options, keep_in=folder)
        else:
            self._run(options)

    def _run(self, options: dict[str, Any], keep_in: Path | None = None) -> None:
        batch_id = start_import(
            path=Path(options["path"]), scope=Scope.system("import_crm"), actor_name="import_crm", keep_in=keep_in
        )  # fmt: skip
        mapping = recognise_import(
            batch_id=batch_id, preset=options["preset"], source=options["source"],
            mapping=_mapping(options["mapping"]), time_zone=options["time_zone"],
        )  # fmt: skip
        if options["print_mapping"]:
            self.stdout.write(json.dumps(mapping_to_json(mapping), indent=2, ensure_ascii=False))
            return
        plan = self._plan(batch_id, options)
        is_trial = keep_in is not None
        if plan.is_blocked or is_trial:
            self._report(batch_id, options["as_json"], applied=False, is_trial=is_trial)
            if plan.is_blocked:
                raise SystemExit(EXIT_QUESTIONS)
            return
        job = run_here(kind=APPLY_IMPORT, payload={"batch_id": batch_id})
        if job.state != "DONE":
            raise CommandError(
                f"The import stopped ({job.state.lower()}): {Said.again(job.error)}", returncode=EXIT_REFUSED
            )
        self._report(batch_id, options["as_json"], applied=True)
        if plan.rejected or plan.quotas.get("rejected"):
            raise SystemExit(EXIT_REJECTS)

    def _plan(self, batch_id: int, options: dict[str, Any]) -> Plan:
        answers, repairs = _answers(options["answer"]), _repairs(options["repair"])
        answer_import(batch_id=batch_id, answers=answers, repairs=repairs)
        plan = plan_import(batch_id=batch_id)
        if plan.questions and options["accept_suggestions"]:
            more, fixes = accept_suggestions(plan.questions)
            answer_import(batch_id=batch_id, answers={**more, **answers}, repairs={**fixes, **repairs})
            plan = plan_import(batch_id=batch_id)
        return plan

    def _report(self, batch_id: int, as_json: bool, *, applied: bool, is_trial: bool = False) -> None:
        scope = Scope.system("import_crm")
        summary = batch_summary(scope, batch_id)
        if is_trial:
            summary["batch"] = None
        questions, problems = questions_of(scope, batch_id), problems_of(scope, batch_id)
        if as_json:
            body = {
                **summary,
                "applied": applied,
                "questions": questions,
                "problems": [problem.__dict__ for problem in problems],
            }
            self.stdout.write(json.dumps(body, indent=2, ensure_ascii=False, default=str))
            return
        self._heading(summary, applied)
        for question in questions:
            self._question(question)
        groups = problem_groups(scope, batch_id)
        for group in groups[:SHOWN_PROBLEMS]:
            rows = (
                f"{group.count} rows, first {group.first_row}"
                if group.count > 1
                else f"row {group.first_row}"
            )
            self.stdout.write(
                f"  {group.severity.lower()}: {group.file} {group.column} “{group.value}” {group.message} "
                f"({rows}). {group.cure}"
            )
        if len(groups) > SHOWN_PROBLEMS:
            self.stdout.write(
                f"  … and {len(groups) - SHOWN_PROBLEMS} more kinds; see --json or the import's page."
            )

    def _heading(self, summary: dict[str, Any], applied: bool) -> None:
        words = "Imported" if applied else "Would import"
        out = self.stdout.write
        title = f"Import {summary['batch']}" if summary["batch"] else "Trial, nothing is kept"
        out(f"{title}: {summary['preset'] or 'own mapping'}, source {summary['source']}")
        for sentence in summary["statements"]:
            out(f"  · {sentence}")
        out(
            f"{words}: {summary['rows']} deal rows = {summary['created']} created + {summary['updated']} "
            f"changed + {summary['unchanged']} unchanged "
            f"+ {summary['rejected']} rejected + {summary['set_aside']} set aside"
        )
        if summary["same_as"]:
            out(f"  the same as import {summary['same_as']}, and nothing has changed since: not read again")
        if summary["deals"]:
            out(
                "  these rows are deals: "
                + ", ".join(f"{count} {name}" for name, count in summary["deals"].items())
            )
        for role, counts in summary["references"].items():
            out(
                f"  {role.lower()}: {counts['created']} created, {counts['updated']} changed, "
                f"{counts['unchanged']} unchanged, {counts['rejected']} rejected"
            )
        for part in ("quotas", "rates"):
            counts = {name: count for name, count in summary[part].items() if name not in {"token", "staged"}}
            if counts:
                out(f"  {part}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        if summary["history_rows"]:
            out(
                f"  stage history: {summary['history_rows']} rows, {summary['history_orphans']} without a deal, "
                f"{summary['history_set_aside']} set aside"
            )
        if summary["absent_open"]:
            out(
                f"  {summary['absent_open']} open deals of this source are absent from the file; they stay as they are"
            )
        for code, count in sorted(summary["problem_counts"].items()):
            out(f"  {count} × {code}")

    def _question(self, question: dict[str, Any]) -> None:
        mark = "?" if question["blocking"] else "·"
        self.stdout.write(f"{mark} {question['text']} ({question['count']} rows)")
        for option in question["options"]:
            chosen = " (suggested)" if option["value"] == question["suggestion"] else ""
            self.stdout.write(
                f"    --answer '{question['key']}={option['value']}'  {option['label']}{chosen}"
            )


def _answers(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        key, mark, value = text.rpartition("=")
        if not mark:
            raise CommandError(f"--answer takes KEY=VALUE, not “{text}”.", returncode=2)
        found[key] = value
    return found


def _repairs(given: list[str]) -> dict[tuple[str, str], str]:
    found = {}
    for text in given:
        where, mark, value = text.partition("=")
        column, colon, old = where.partition(":")
        if not mark or not colon:
            raise CommandError(f"--repair takes COLUMN:FROM=TO, not “{text}”.", returncode=2)
        found[column, old] = value
    return found


def _mapping(path: str | None) -> ImportMapping | None:
    if not path:
        return None
    try:
        return mapping_from_json(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise CommandError(f"The mapping {path} cannot be read: {error}", returncode=EXIT_REFUSED) from error
