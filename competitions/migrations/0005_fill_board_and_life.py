"""What was there before: attempts are counted in all, scores say what they show, curves begin."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import migrations


def fill(apps: Any, _schema_editor: object) -> None:
    number_attempts(apps.get_model("competitions", "Submission"))
    show_scores(apps.get_model("competitions", "PublicScore"))
    complete_standings(apps.get_model("competitions", "Standing"))


def number_attempts(submissions: Any) -> None:
    taken: defaultdict[int, int] = defaultdict(int)
    held = submissions.objects.filter(slot__isnull=False).order_by("team", "received_at", "pk")
    for pk, team in held.values_list("pk", "team"):
        taken[team] += 1
        submissions.objects.filter(pk=pk).update(lifetime_slot=taken[team])


def show_scores(scores: Any) -> None:
    """As the board displayed them: halves rounded up."""
    changed = []
    for score in scores.objects.select_related("submission__team__competition"):
        decimals = score.submission.team.competition.decimals
        exact = Decimal(repr(score.value))
        score.shown = float(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
        changed.append(score)
    scores.objects.bulk_update(changed, ["shown"], batch_size=500)


def complete_standings(standings: Any) -> None:
    """One point each; the whole curve comes with the team's next file or the next rebuilding."""
    for standing in standings.objects.select_related("team"):
        standing.is_baseline = standing.team.is_baseline
        standing.curve = [[standing.reached_at.timestamp(), standing.score]]
        standing.save(update_fields=["is_baseline", "curve"])


class Migration(migrations.Migration):
    dependencies = [("competitions", "0004_board_and_life")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
