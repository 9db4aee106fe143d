"""From labelled images of whatever form to a challenge, in this process."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competitions import drafts, launch, lifecycle, preparing, tasks
from competitions.models import Competition, Finding, FindingKind, Preparation, Remedy
from competitions.preparing.sources import packed
from competitions.preparing.sources.catalogue import SETS, is_known
from competitions.preparing.sources.packing import left_out
from competitions.refusals import Refused

BY_COMMAND = "Opened by the command that built it."


class Command(BaseCommand):
    help = (
        "Build a challenge from labelled images: a folder, an archive, or a published set's name."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help=f"a folder, a zip or tar, or one of: {', '.join(SETS)}")
        parser.add_argument("--slug", required=True, help="the name in the address")
        parser.add_argument("--title", help="what people read; else the slug")
        parser.add_argument(
            "--test-fraction",
            type=float,
            help="share of images for the test set; else the source's own split, or 0.3",
        )
        parser.add_argument(
            "--public-fraction",
            type=float,
            help="share of test images behind the public board (default 0.3)",
        )
        parser.add_argument("--metric", help="how answers are scored (default accuracy)")
        parser.add_argument(
            "--remedy",
            action="append",
            default=[],
            metavar="KIND=REMEDY",
            help="decides a finding of the leak report, such as near=drop; may be repeated",
        )
        parser.add_argument("--open", action="store_true", help="open it at once")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            competition = self._built(options)
            if options["open"]:
                for line in launch.checklist(competition):
                    if not line.is_done:
                        self.stderr.write(f"Opened all the same: {line.sentence}")
                lifecycle.open_now(competition, despite=BY_COMMAND)
                tasks.post_baselines(competition.pk)
                self.stdout.write(f"{competition.slug} is open.")
        except Refused as error:
            raise CommandError(str(error)) from None

    def _built(self, options: dict[str, Any]) -> Competition:
        source, name = Path(options["source"]), options["source"]
        chosen = {"test_fraction": options["test_fraction"], "remedies": _remedies(options)}
        competition = _draft(options)
        if not source.exists() and is_known(name):
            inbox = preparing.receive_stored(competition.pk, "", name, **chosen)
        else:
            if told := left_out(source):
                self.stderr.write(told)
            inbox = preparing.receive_source(competition.pk, packed(source), source.name, **chosen)
        preparing.prepare(competition.pk, inbox)
        tasks.train_usual_baselines(competition.pk)
        competition = Competition.objects.get(pk=competition.pk)
        if competition.preparation != Preparation.READY:
            raise CommandError(competition.preparation_note)
        self.stdout.write(f"{competition.slug}: {competition.preparation_note}")
        self._report(competition)
        return competition

    def _report(self, competition: Competition) -> None:
        for finding in competition.findings.all():
            self.stdout.write(f"  {_line(finding)}")


def _draft(options: dict[str, Any]) -> Competition:
    """The draft of that slug, or a new one."""
    slug = options["slug"]
    found = Competition.objects.filter(slug=slug).first()
    named = {name: options[name] for name in ("public_fraction", "metric")}
    settings = {name: value for name, value in named.items() if value is not None}
    if found is None:
        return drafts.begin(options["title"] or slug, slug, **settings)
    if not preparing.takes_files(found.pk):
        raise Refused(f"{slug} is there already, and is no draft without submissions.")
    return drafts.change(found, options["title"] or found.title, **settings)


def _remedies(options: dict[str, Any]) -> dict[str, str]:
    pairs = dict(each.partition("=")[::2] for each in options["remedy"])
    if strange := pairs.keys() - set(FindingKind.values):
        raise Refused(f"No finding: {', '.join(strange)}. Known: {', '.join(FindingKind.values)}.")
    if unknown := {word for word in pairs.values() if word not in Remedy.values}:
        known = ", ".join(value for value in Remedy.values if value)
        raise Refused(
            f"No remedy: {', '.join(unknown) or 'empty'}. Write KIND=REMEDY with {known}."
        )
    return pairs


def _line(finding: Finding) -> str:
    numbers = ", ".join(f"{name.replace('_', ' ')} {it}" for name, it in finding.counts.items())
    images = f"{finding.images} images" if finding.images else ""
    told = ", ".join(part for part in (images, numbers) if part)
    return f"{finding.get_kind_display()} ({finding.kind}): {told}. {finding.get_remedy_display()}."
