"""The form of a challenge: its settings, and the three files it is made from."""

from copy import copy
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator
from django.db.models import IntegerField
from unfold.widgets import UnfoldAdminFileFieldWidget

from competitions import attempts, deadlines, preparing, solutions, standings, terms
from competitions.admin import columns, own_metric
from competitions.admin.meanwhile import MeanwhileForm
from competitions.admin.parameters import ParametersField
from competitions.models import Competition, CustomMetric, Preparation, State
from scoring import display_decimals

# the form's names (the model has a field "solution") and what the verb calls them
UPLOADS = {"train_file": "train", "test_file": "test", "solution_file": "solution"}
SCORING = ("metric", "metric_parameters", "layout")
USED = {Preparation.PREPARING, Preparation.READY}  # settings are, or are being, made into files


def _upload(label: str, accept: str, help_text: str) -> forms.FileField:
    widget = UnfoldAdminFileFieldWidget(attrs={"accept": accept})
    return forms.FileField(label=label, required=False, widget=widget, help_text=help_text)


class CompetitionForm(MeanwhileForm):
    wanted_metric: CustomMetric | None = None  # what is to be kept as the organiser's own
    metric_file = own_metric.file_field()
    metric_direction = own_metric.direction_field()
    metric_parameters = ParametersField(
        label="Parameters",
        help_text="One NAME=VALUE per line, such as k=5 or average=micro; what is left out has its "
        "default. If the files are there already, a change of metric, layout or parameters has "
        "them prepared anew.",
    )
    train_file = _upload(
        "Train archive",
        ".zip",
        "A zip: one folder of images per class, or images and a train.csv (id, label). All three "
        "files make the challenge; they are checked together in the background.",
    )
    test_file = _upload("Test archive", ".zip", "A zip of images under names that tell nothing.")
    solution_file = _upload(
        "Solution",
        ".csv,text/csv",
        "A CSV: id (the test image's file name), label, and perhaps Usage (Public, Private or "
        "Ignored). Without Usage the public rows are drawn at random within each class. Nobody "
        "can read it here afterwards.",
    )

    class Meta:
        model = Competition
        fields = (
            "title", "slug", "summary", "overview", "data_page", "rules", "metric", "layout",
            "metric_parameters", "decimals", "public_fraction", *terms.FEEDBACK, "prizes",
            "daily_limit", "lifetime_limit", "max_team_size", *terms.DATES, "late_submissions",
        )  # fmt: skip
        labels = {
            "slug": "Address",
            "data_page": "Data",
            "public_fraction": "Public share",
            "feedback": "What scores show",
            "ladder_step": "The Ladder's step",
            "prizes": "Places that win",
            "daily_limit": "Submissions a day",
            "lifetime_limit": "Submissions in all",
            "max_team_size": "People in a team",
            "opens_at": "Opens (UTC)",
            "closes_at": "Closes (UTC)",
            "freeze_minutes": "Freeze, in minutes",
            "late_submissions": "Take files after the end",
        }
        help_texts = {
            "slug": "Its place on this site: /competitions/…/. Letters, digits and hyphens.",
            "overview": "The first page, in Markdown: the task, how to begin, what you ask.",
            "data_page": "The page beside the files, in Markdown: what is in them, where from.",
            "rules": "In Markdown. What is allowed and what is not.",
            "metric": "What decides who is first.",
            "layout": "The form of a submission. Empty: the metric's own, the first that the list "
            "below has for it. The solution has one label per image, whatever the layout.",
            "decimals": "Digits shown on the board; teams equal to this precision share a rank. "
            "The number of public rows sets the most that make sense.",
            "feedback": "On the board and on every page of a team, until the final board is "
            "published. The Ladder shows a score only where it beats the team's best by more than "
            "a step: for fewer than about 1000 public rows, and for prizes.",
            "ladder_step": "The smallest improvement that the Ladder shows, in units of the score, "
            "such as 0.005. Empty: about one standard error of a score on the public rows.",
            "prizes": "The board draws a line under the last of them. 0: none.",
            "lifetime_limit": "Scored files per team from the opening to the end. Every answer "
            "tells a little about the public labels. Empty: a thirtieth of the public rows, from "
            "20 to 500.",
            "opens_at": "In UTC, whatever zone your browser is in. Empty: when you open it.",
            "closes_at": "In UTC as well. Empty: when you close it. While it runs, the end only "
            "moves back, by a year at most.",
            "freeze_minutes": "So long before the end the board stands still; teams go on seeing "
            "their own scores, and the final board shows all. Empty: never.",
            "late_submissions": "They are scored, and neither ranked nor counted.",
            "max_team_size": "The most people that may compete as one.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.state != State.DRAFT:
            for name in ("metric_parameters", *own_metric.FIELDS):
                del self.fields[name]  # declared, so the admin would not leave it out
        elif self.instance.custom_metric:
            self.initial[own_metric.DIRECTION] = self.instance.custom_metric.direction
        self._bound_the_numbers()
        self._tell_the_defaults()

    def _bound_the_numbers(self) -> None:
        """By the model's maxima, which Django asks for only after ``clean`` has reckoned."""
        for field in Competition._meta.concrete_fields:
            if isinstance(field, IntegerField) and field.name in self.fields:
                bounds = [it for it in field.validators if isinstance(it, MaxValueValidator)]
                self.fields[field.name].validators += bounds

    def _tell_the_defaults(self) -> None:
        """In numbers, once the number of public rows is known."""
        if self.instance.solution is None:
            return
        plain = Competition(solution=self.instance.solution)
        numbers = {
            "lifetime_limit": f"{attempts.lifetime_limit(plain)}",
            "ladder_step": f"{standings.step(plain):g}",
        }
        for name, number in numbers.items():
            if name in self.fields:
                self.fields[
                    name
                ].help_text = f"{self.fields[name].help_text} Here that is {number}."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in UPLOADS if cleaned.get(name)]
        if given:
            self._clean_uploads(given)
        elif self.instance.pk and self.instance.preparation in USED:
            self._refuse_settings_that_were_used()
        if all(name in cleaned for name in SCORING):
            self._clean_scoring(with_files=bool(given))
        self._refuse_what_others_rely_on()
        return cleaned

    @property
    def scores_otherwise(self) -> bool:
        """Whether the files of the last upload must be prepared and tried anew."""
        has_files = bool(self.instance.preparation_inbox)
        return self.is_scored_otherwise and has_files and not self.uploads

    @property
    def is_scored_otherwise(self) -> bool:
        """Whether anything about the metric was changed on the page."""
        names = (*SCORING, *own_metric.FIELDS) if self.wanted_metric else SCORING
        return any(name in self.changed_data for name in names)

    @property
    def uploads(self) -> "dict[str, UploadedFile[Any]]":
        """The three files, or none."""
        found = {name: self.cleaned_data.get(field) for field, name in UPLOADS.items()}
        return {name: file for name, file in found.items() if file}

    def _clean_uploads(self, given: list[str]) -> None:
        for name in UPLOADS:
            if name not in given:
                self.add_error(name, "Add this file too: a challenge is made from all three.")
        if self.instance.pk and not preparing.takes_files(self.instance.pk):
            self.add_error(None, preparing.TOO_LATE)

    def _refuse_settings_that_were_used(self) -> None:
        """What the prepared files were made with stays, unless files come with it."""
        if self.instance.state != State.DRAFT:
            return
        if "public_fraction" in self.changed_data:
            self.add_error(
                "public_fraction",
                "The public rows are drawn already. Upload the three files again to draw anew.",
            )
        self._refuse_meaningless_decimals()

    def _clean_scoring(self, *, with_files: bool) -> None:
        """Whether metric, parameters and layout fit together, and the classes that there are."""
        settings = Competition(**{name: self.cleaned_data[name] for name in SCORING})
        try:
            settings.custom_metric = self.wanted_metric = self._wish().metric_of(self.instance)
        except own_metric.Wrong as error:
            self.add_error(error.field, str(error))
            return
        solution = self.instance.solution
        classes = [] if solution is None or with_files else solution.classes
        if wrong := solutions.complaint(settings, classes):
            self.add_error(*wrong)
        elif self.scores_otherwise and self.instance.preparation == Preparation.PREPARING:
            self.add_error("metric", "The files are being read. Wait for that, then change it.")

    def _wish(self) -> own_metric.Wish:
        cleaned = self.cleaned_data
        return own_metric.Wish(
            cleaned["metric"],
            cleaned.get(own_metric.FILE),
            cleaned.get(own_metric.DIRECTION, ""),
        )

    def _refuse_what_others_rely_on(self) -> None:
        """The verb's own objections, each at its field."""
        changed = [name for name in columns.of_the_model(self) if name in self.cleaned_data]
        wanted, pk = copy(self.instance), self.instance.pk
        for name in changed:
            setattr(wanted, name, self.cleaned_data[name])
        present = self.instance if pk is None else deadlines.read(pk)
        for field, sentence in terms.complaints(present, wanted, changed):
            self.add_error(field if field in self.fields else None, sentence)

    def _refuse_meaningless_decimals(self) -> None:
        solution = self.instance.solution
        if solution is None or "decimals" not in self.changed_data:
            return
        most = display_decimals(solution.public_rows)
        if self.cleaned_data.get("decimals", 0) > most:
            self.add_error(
                "decimals",
                f"With {solution.public_rows} public rows the most that make sense are {most}: "
                "further digits would rank teams by chance.",
            )
