"""All tables at once, for a new site: a quarter of the time that the steps one by one take."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import competitions.models.competition


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("competitions", "0001_initial"),
        ("competitions", "0002_metric_parameters_and_layout"),
        ("competitions", "0003_custom_metric"),
        ("competitions", "0004_board_and_life"),
        ("competitions", "0005_fill_board_and_life"),
        ("competitions", "0006_lifetime_slots"),
        ("competitions", "0007_organiser"),
        ("competitions", "0008_launch_trial"),
        ("competitions", "0009_mistakes"),
        ("competitions", "0010_upload_mark"),
        ("competitions", "0011_model_submissions"),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Competition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=60, unique=True)),
                ("title", models.CharField(max_length=120)),
                (
                    "summary",
                    models.CharField(
                        blank=True, help_text="One sentence, on the lists.", max_length=240
                    ),
                ),
                ("overview", models.TextField(blank=True, help_text="Markdown.")),
                (
                    "data_page",
                    models.TextField(blank=True, help_text="Markdown.", verbose_name="data page"),
                ),
                ("rules", models.TextField(blank=True, help_text="Markdown.")),
                (
                    "metric",
                    models.CharField(
                        choices=competitions.models.competition.metric_choices,
                        default="accuracy",
                        max_length=60,
                    ),
                ),
                ("metric_parameters", models.JSONField(blank=True, default=dict)),
                (
                    "layout",
                    models.CharField(
                        blank=True,
                        choices=competitions.models.competition.layout_choices,
                        help_text="The form of a submission. Empty: the metric's own.",
                        max_length=20,
                    ),
                ),
                (
                    "decimals",
                    models.PositiveSmallIntegerField(
                        default=4,
                        help_text="Digits shown on the board; teams equal to this precision share a rank.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6),
                        ],
                    ),
                ),
                (
                    "public_fraction",
                    models.FloatField(
                        default=0.3,
                        help_text="Share of the test rows behind the public board; the others decide at the end.",
                        validators=[
                            django.core.validators.MinValueValidator(0.01),
                            django.core.validators.MaxValueValidator(0.99),
                        ],
                    ),
                ),
                (
                    "daily_limit",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="Scored submissions per team and day (UTC). A refused file costs none.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "lifetime_limit",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Scored submissions per team in all. Empty: a thirtieth of the public rows, from 20 to 500, which keeps the board from being guessed.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "max_team_size",
                    models.PositiveSmallIntegerField(
                        default=5,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                    ),
                ),
                (
                    "feedback",
                    models.CharField(
                        choices=[
                            ("rounded", "Rounded scores"),
                            ("ladder", "The Ladder: only real improvements"),
                            ("hidden", "No scores before the end"),
                        ],
                        default="rounded",
                        help_text="The Ladder is for small test sets and for prizes.",
                        max_length=10,
                    ),
                ),
                (
                    "ladder_step",
                    models.FloatField(
                        blank=True,
                        help_text="The improvement that the Ladder shows. Empty: about one standard error.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1e-06)],
                    ),
                ),
                (
                    "freeze_minutes",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The board stands still for the last minutes, until the final one is published.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                    ),
                ),
                (
                    "late_submissions",
                    models.BooleanField(
                        default=False,
                        help_text="Take files after the end: they are scored and never ranked.",
                    ),
                ),
                (
                    "prizes",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Places that win something; a line on the board says so. 0: none.",
                        validators=[django.core.validators.MaxValueValidator(1000)],
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("open", "Open"),
                            ("closed", "Closed"),
                            ("revealed", "Revealed"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                (
                    "opens_at",
                    models.DateTimeField(
                        blank=True, help_text="UTC. Empty: when opened.", null=True
                    ),
                ),
                (
                    "closes_at",
                    models.DateTimeField(blank=True, help_text="UTC. Empty: never.", null=True),
                ),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("froze_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revealed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("published_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "preparation",
                    models.CharField(
                        choices=[
                            ("empty", "No files yet"),
                            ("preparing", "Preparing"),
                            ("ready", "Ready"),
                            ("refused", "Refused"),
                        ],
                        default="empty",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("preparation_note", models.TextField(blank=True, editable=False)),
                ("preparation_step", models.CharField(blank=True, editable=False, max_length=60)),
                ("preparation_done", models.PositiveIntegerField(default=0, editable=False)),
                ("preparation_total", models.PositiveIntegerField(default=0, editable=False)),
                ("preparation_inbox", models.JSONField(blank=True, default=dict, editable=False)),
                ("preparation_since", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "preparation_rung_at",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                (
                    "preparation_attempts",
                    models.PositiveSmallIntegerField(default=0, editable=False),
                ),
                ("preparation_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "image_spec",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        editable=False,
                        help_text="Sizes, channels and formats found.",
                    ),
                ),
                (
                    "class_code",
                    models.CharField(
                        blank=True,
                        help_text="With it people join by a name and a PIN, without an account. Empty: nobody.",
                        max_length=12,
                        null=True,
                        unique=True,
                    ),
                ),
                (
                    "admission",
                    models.CharField(
                        choices=[
                            ("anyone", "Anyone with an account"),
                            ("code", "Whoever has the class code"),
                            ("domain", "Whoever has an e-mail address of these domains"),
                            ("roster", "Whoever stands on the roster"),
                        ],
                        default="anyone",
                        max_length=10,
                    ),
                ),
                (
                    "admitted_domains",
                    models.CharField(
                        blank=True,
                        help_text="Separated by spaces, such as school.example.",
                        max_length=300,
                    ),
                ),
                (
                    "grading_formula",
                    models.CharField(
                        blank=True,
                        help_text="Reckons a grade for the grades table.",
                        max_length=200,
                    ),
                ),
                ("board_version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "challenge",
                "ordering": ["-created_at", "-pk"],
                "permissions": [
                    ("view_labels", "Can see single test labels (each look is written down)")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["draft", "open", "closed", "revealed"])),
                        name="competition_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "layout__in",
                                ["", "labels", "score", "probabilities", "ranked", "sets"],
                            )
                        ),
                        name="competition_layout_is_known_or_left_to_the_metric",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("preparation__in", ["empty", "preparing", "ready", "refused"])
                        ),
                        name="competition_preparation_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("preparation", "preparing"), ("preparation_since__isnull", False)
                            ),
                            models.Q(
                                models.Q(("preparation", "preparing"), _negated=True),
                                ("preparation_since__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="competition_has_waited_since_exactly_while_preparing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("preparation_until__isnull", True),
                            models.Q(
                                ("preparation", "preparing"), ("preparation_attempts__gte", 1)
                            ),
                            _connector="OR",
                        ),
                        name="competition_is_leased_only_by_an_attempt_to_prepare",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("opens_at__isnull", True),
                            ("closes_at__isnull", True),
                            ("opens_at__lt", models.F("closes_at")),
                            _connector="OR",
                        ),
                        name="competition_opens_before_it_closes",
                        violation_error_message="The competition must open before it closes.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("public_fraction__gt", 0), ("public_fraction__lt", 1)),
                        name="competition_keeps_some_rows_private",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("daily_limit__gte", 1)),
                        name="competition_allows_a_submission_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifetime_limit__isnull", True),
                            ("lifetime_limit__gte", 1),
                            _connector="OR",
                        ),
                        name="competition_allows_a_submission_in_all",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("feedback__in", ["rounded", "ladder", "hidden"])),
                        name="competition_feedback_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ladder_step__isnull", True), ("ladder_step__gt", 0), _connector="OR"
                        ),
                        name="competition_ladder_has_steps",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("admission__in", ["anyone", "code", "domain", "roster"])
                        ),
                        name="competition_admission_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("class_code__isnull", True),
                            models.Q(("class_code", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="competition_class_code_is_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("admission", "domain"), _negated=True),
                            models.Q(("admitted_domains", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="competition_names_the_domains_that_it_admits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("preparation_done__lte", models.F("preparation_total"))
                        ),
                        name="competition_prepares_no_more_than_there_is",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("paused_at__isnull", True), ("state", "open"), _connector="OR"
                        ),
                        name="competition_is_paused_only_while_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revealed_at__isnull", False), ("state", "revealed")),
                            models.Q(
                                models.Q(("state", "revealed"), _negated=True),
                                ("revealed_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="competition_has_a_moment_of_reveal_exactly_when_revealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("published_at__isnull", True), ("state", "revealed"), _connector="OR"
                        ),
                        name="competition_is_published_only_after_the_reveal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CustomMetric",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("source", models.TextField()),
                (
                    "direction",
                    models.CharField(
                        choices=[("maximize", "More is better"), ("minimize", "Less is better")],
                        max_length=10,
                    ),
                ),
                ("file_name", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="custom_metrics",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "version", "direction"),
                        name="one_custom_metric_of_each_version_and_direction",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "direction__in",
                                {"maximize": "More is better", "minimize": "Less is better"},
                            )
                        ),
                        name="custom_metric_direction_is_known",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="competition",
            name="custom_metric",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="competitions.custommetric",
            ),
        ),
        migrations.CreateModel(
            name="DataFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("path", models.CharField(max_length=200)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("rows", models.PositiveIntegerField(blank=True, null=True)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "name"), name="one_data_file_of_each_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("exact", "The same picture twice"),
                            ("near", "Nearly the same picture"),
                            ("conflict", "One picture, two classes"),
                            ("unreadable", "Unreadable images"),
                            ("tiny", "Tiny images"),
                            ("constant", "Images of one colour"),
                            ("imbalance", "Classes of very different size"),
                            ("shortcut", "Files that tell their class"),
                        ],
                        max_length=12,
                    ),
                ),
                ("images", models.PositiveIntegerField(help_text="How many images it concerns.")),
                ("counts", models.JSONField(default=dict)),
                ("examples", models.CharField(blank=True, max_length=200)),
                (
                    "remedy",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not decided"),
                            ("drop", "Left out"),
                            ("group", "Kept together on one side"),
                            ("ignore", "In the test set, and not scored"),
                            ("accept", "Left as it is"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "is_automatic",
                    models.BooleanField(default=False, help_text="Nobody had to decide it."),
                ),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="findings",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "kind"), name="one_finding_of_each_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "exact",
                                    "near",
                                    "conflict",
                                    "unreadable",
                                    "tiny",
                                    "constant",
                                    "imbalance",
                                    "shortcut",
                                ],
                            )
                        ),
                        name="finding_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("remedy__in", ["", "drop", "group", "ignore", "accept"])
                        ),
                        name="finding_remedy_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mistakes",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "version",
                    models.PositiveBigIntegerField(help_text="The board's, when it was computed."),
                ),
                (
                    "is_final",
                    models.BooleanField(
                        default=False,
                        help_text="On all rows that count; before the reveal on the public ones.",
                    ),
                ),
                ("computed_at", models.DateTimeField()),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="Empty: there is no report.", max_length=200
                    ),
                ),
                ("labels_path", models.CharField(blank=True, max_length=200)),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Why there is no report.", max_length=300
                    ),
                ),
                ("dominant", models.JSONField(default=dict)),
                (
                    "competition",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mistakes",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "mistakes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("labels_path", ""), ("path", "")),
                            models.Q(
                                models.Q(("path", ""), _negated=True),
                                models.Q(("labels_path", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="mistakes_have_both_files_or_none",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelRules",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "takes",
                    models.CharField(
                        choices=[
                            ("files", "Files of predictions"),
                            ("models", "Models; the test images stay here"),
                            ("both", "Files and models"),
                        ],
                        default="both",
                        max_length=10,
                    ),
                ),
                (
                    "channels",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "1, grey"), (3, "3, red, green, blue")], default=3
                    ),
                ),
                (
                    "height",
                    models.PositiveSmallIntegerField(
                        default=32,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1024),
                        ],
                    ),
                ),
                (
                    "width",
                    models.PositiveSmallIntegerField(
                        default=32,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1024),
                        ],
                    ),
                ),
                ("takes_onnx", models.BooleanField(default=True, verbose_name="ONNX")),
                (
                    "takes_safetensors",
                    models.BooleanField(
                        default=True, verbose_name="safetensors, with a named architecture"
                    ),
                ),
                (
                    "takes_pt2",
                    models.BooleanField(
                        default=False,
                        help_text="Loading one runs what its author wrote.",
                        verbose_name="torch.export (.pt2)",
                    ),
                ),
                (
                    "takes_torchscript",
                    models.BooleanField(
                        default=False,
                        help_text="Loading one runs what its author wrote.",
                        verbose_name="TorchScript",
                    ),
                ),
                (
                    "seconds",
                    models.PositiveIntegerField(
                        default=600,
                        help_text="The longest run over all test images.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                    ),
                ),
                (
                    "memory_mib",
                    models.PositiveIntegerField(
                        default=4096,
                        help_text="Of the process, or of the GPU.",
                        validators=[
                            django.core.validators.MinValueValidator(64),
                            django.core.validators.MaxValueValidator(81920),
                        ],
                        verbose_name="memory (MiB)",
                    ),
                ),
                (
                    "file_mib",
                    models.PositiveIntegerField(
                        default=256,
                        help_text="The largest model.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2048),
                        ],
                        verbose_name="file (MiB)",
                    ),
                ),
                (
                    "max_parameters",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Empty: any number.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="parameters",
                    ),
                ),
                (
                    "max_macs",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="For one image. Empty: any number.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="multiply-accumulates",
                    ),
                ),
                (
                    "bf16",
                    models.BooleanField(
                        default=False,
                        help_text="bfloat16 where the device is faster with it; answers may differ a little.",
                        verbose_name="16-bit floats",
                    ),
                ),
                ("packed_path", models.CharField(blank=True, editable=False, max_length=200)),
                ("samples_path", models.CharField(blank=True, editable=False, max_length=200)),
                ("packed_of", models.CharField(blank=True, editable=False, max_length=64)),
                (
                    "competition",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="model_rules",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "verbose_name": "models",
                "verbose_name_plural": "models",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("takes__in", ["files", "models", "both"])),
                        name="what_a_challenge_takes_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("channels__in", [1, 3]), ("height__gte", 1), ("width__gte", 1)
                        ),
                        name="models_are_given_pictures",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("takes", "files"),
                            ("takes_onnx", True),
                            ("takes_safetensors", True),
                            ("takes_pt2", True),
                            ("takes_torchscript", True),
                            _connector="OR",
                        ),
                        name="who_takes_models_takes_a_format",
                        violation_error_message="Choose at least one kind of model file.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("file_mib__gte", 1),
                            ("memory_mib__gte", 64),
                            ("seconds__gte", 1),
                            models.Q(
                                ("max_parameters__isnull", True),
                                ("max_parameters__gte", 1),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_macs__isnull", True), ("max_macs__gte", 1), _connector="OR"
                            ),
                        ),
                        name="models_may_take_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("packed_path", ""), ("samples_path", ""), ("packed_of", "")),
                            models.Q(
                                models.Q(("packed_path", ""), _negated=True),
                                models.Q(("samples_path", ""), _negated=True),
                                models.Q(("packed_of", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="packed_images_say_what_they_were_made_of",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "path",
                    models.CharField(
                        help_text="The model, among the submissions' files.", max_length=200
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        choices=[
                            ("onnx", "ONNX"),
                            ("safetensors", "SAFETENSORS"),
                            ("pt2", "PT2"),
                            ("torchscript", "TORCHSCRIPT"),
                        ],
                        max_length=20,
                    ),
                ),
                ("architecture", models.CharField(blank=True, max_length=100)),
                ("arguments", models.JSONField(blank=True, default=dict)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("to_try", "Waits for its dry run"),
                            ("trying", "Dry run"),
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("ended", "Ended without answers"),
                        ],
                        default="to_try",
                        max_length=10,
                    ),
                ),
                (
                    "attempt",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How often a worker began this stage. The newest alone may end it.",
                    ),
                ),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("rung_at", models.DateTimeField(blank=True, null=True)),
                (
                    "queued_at",
                    models.DateTimeField(help_text="Since when it waits for what comes next."),
                ),
                (
                    "served_at",
                    models.DateTimeField(blank=True, help_text="When a worker took it.", null=True),
                ),
                (
                    "began_at",
                    models.DateTimeField(
                        blank=True, help_text="When its run over the test images began.", null=True
                    ),
                ),
                ("images_done", models.PositiveIntegerField(default=0)),
                ("images_total", models.PositiveIntegerField(default=0)),
                ("images_per_second", models.FloatField(blank=True, null=True)),
                (
                    "seconds",
                    models.FloatField(
                        blank=True, help_text="First batch to last answer.", null=True
                    ),
                ),
                ("load_seconds", models.FloatField(blank=True, null=True)),
                (
                    "expected_seconds",
                    models.FloatField(
                        blank=True,
                        help_text="Of the whole run, as the dry run lets expect.",
                        null=True,
                    ),
                ),
                ("device", models.CharField(blank=True, max_length=100)),
                ("batch_size", models.PositiveIntegerField(blank=True, null=True)),
                ("parameters", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "macs",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="For one image.",
                        null=True,
                        verbose_name="multiply-accumulates",
                    ),
                ),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="model_runs",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("stage__in", ("done", "ended")), _negated=True),
                        fields=["stage", "queued_at"],
                        name="model_runs_not_over",
                    ),
                    models.Index(
                        fields=["competition", "served_at"], name="model_runs_of_a_challenge"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "stage__in",
                                ["to_try", "trying", "waiting", "running", "done", "ended"],
                            )
                        ),
                        name="model_run_stage_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("format__in", ["onnx", "safetensors", "pt2", "torchscript"])
                        ),
                        name="model_run_format_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("stage__in", ("trying", "running")), ("lease_until__isnull", False)
                            ),
                            models.Q(
                                models.Q(("stage__in", ("trying", "running")), _negated=True),
                                ("lease_until__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="model_run_is_leased_exactly_while_a_worker_has_it",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stage__in", ["running", "done"]), _negated=True),
                            ("began_at__isnull", False),
                            _connector="OR",
                        ),
                        name="model_run_says_when_it_began",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("images_done__lte", models.F("images_total"))),
                        name="model_run_answers_no_more_images_than_there_are",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("format", "safetensors"), _negated=True),
                            models.Q(("architecture", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="model_run_of_weights_names_its_architecture",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Organiser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner: everything, the other organisers too"),
                            ("editor", "Editor: everything but the organisers"),
                            (
                                "judge",
                                "Judge: files and teams; never a private score before its publication",
                            ),
                            ("viewer", "Viewer: looks on, changes nothing"),
                        ],
                        default="viewer",
                        max_length=10,
                    ),
                ),
                ("added_at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="organisers",
                        to="competitions.competition",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="organises",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["added_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "user"), name="one_role_per_person_and_competition"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "editor", "judge", "viewer"])),
                        name="organiser_role_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RosterEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("name_key", models.CharField(editable=False, max_length=180)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("group", models.CharField(blank=True, max_length=40)),
                ("slip_pin", models.CharField(blank=True, editable=False, max_length=128)),
                ("joined_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="roster",
                        to="competitions.competition",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="roster_entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "roster entries",
                "ordering": ["name_key", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "name_key"), name="roster_name_once_per_competition"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("user__isnull", False)),
                        fields=("competition", "user"),
                        name="one_roster_entry_per_person_and_competition",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True),
                            models.Q(("name_key", ""), _negated=True),
                        ),
                        name="roster_entry_has_a_name",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Screening",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("findings", models.JSONField(blank=True, default=list)),
                ("trouble", models.TextField(blank=True, help_text="Why nothing was found out.")),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="screening",
                        to="competitions.modelrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("done_at__isnull", True),
                            ("lease_until__isnull", True),
                            _connector="OR",
                        ),
                        name="screening_is_leased_only_until_it_is_done",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SolutionVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveSmallIntegerField()),
                ("path", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("id_column", models.CharField(max_length=60)),
                ("label_column", models.CharField(max_length=60)),
                (
                    "classes",
                    models.JSONField(help_text="The class names, in the challenge's order."),
                ),
                ("rows", models.PositiveIntegerField()),
                ("public_rows", models.PositiveIntegerField()),
                ("private_rows", models.PositiveIntegerField()),
                (
                    "commitment",
                    models.CharField(help_text="Seal of the split, published.", max_length=64),
                ),
                (
                    "label_seal",
                    models.CharField(
                        blank=True, help_text="Seal of the labels, published.", max_length=64
                    ),
                ),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                (
                    "verification",
                    models.TextField(blank=True, help_text="What a broken seal looks like."),
                ),
                (
                    "seed",
                    models.CharField(
                        blank=True,
                        help_text="In hexadecimal; written when the challenge is revealed.",
                        max_length=64,
                    ),
                ),
                ("launch_trial", models.JSONField(blank=True, default=dict, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="solutions",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["-version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "version"), name="one_solution_of_each_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("public_rows__gte", 1), ("private_rows__gte", 1)),
                        name="solution_has_public_and_private_rows",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rescoring",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("reading", "Reading the new solution"),
                            ("scoring", "Scoring again"),
                            ("ready", "Ready to apply"),
                            ("applied", "Applied"),
                            ("dropped", "Dropped"),
                            ("refused", "Refused"),
                        ],
                        default="reading",
                        max_length=10,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        help_text="What everybody reads once it is applied.", max_length=500
                    ),
                ),
                ("problem", models.TextField(blank=True, help_text="Why it was refused.")),
                (
                    "inbox",
                    models.CharField(
                        blank=True, help_text="The uploaded solution, if any.", max_length=200
                    ),
                ),
                (
                    "old_metric",
                    models.JSONField(help_text="metric, metric_parameters, layout, decimals"),
                ),
                ("new_metric", models.JSONField()),
                ("begun_at", models.DateTimeField(auto_now_add=True)),
                ("rung_at", models.DateTimeField(null=True)),
                ("applied_at", models.DateTimeField(null=True)),
                (
                    "begun_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rescorings",
                        to="competitions.competition",
                    ),
                ),
                (
                    "new_custom_metric",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.custommetric",
                    ),
                ),
                (
                    "old_custom_metric",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.custommetric",
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="undone_by",
                        to="competitions.rescoring",
                    ),
                ),
                (
                    "after",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.solutionversion",
                    ),
                ),
                (
                    "before",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.solutionversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "stage__in",
                                ["reading", "scoring", "ready", "applied", "dropped", "refused"],
                            )
                        ),
                        name="rescoring_stage_is_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stage__in", ("reading", "scoring", "ready"))),
                        fields=("competition",),
                        name="one_rescoring_under_way_per_competition",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("applied_at__isnull", False), ("stage", "applied")),
                            models.Q(
                                models.Q(("stage", "applied"), _negated=True),
                                ("applied_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="rescoring_has_a_moment_exactly_when_applied",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stage__in", ["scoring", "ready", "applied"]), _negated=True),
                            ("after__isnull", False),
                            _connector="OR",
                        ),
                        name="rescoring_scores_with_a_solution",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="competition",
            name="solution",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="+",
                to="competitions.solutionversion",
            ),
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("file", "A file of predictions"), ("model", "A model")],
                        default="file",
                        max_length=10,
                    ),
                ),
                ("file_name", models.CharField(max_length=200)),
                (
                    "path",
                    models.CharField(
                        blank=True,
                        help_text="The predictions; empty before a model has run.",
                        max_length=200,
                    ),
                ),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("message", models.CharField(blank=True, max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("scored", "Scored"),
                            ("invalid", "Your file"),
                            ("failed", "Our fault"),
                            ("crashed", "Crashed"),
                            ("timed_out", "Timed out"),
                            ("out_of_memory", "Out of memory"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="received",
                        max_length=16,
                    ),
                ),
                (
                    "day",
                    models.DateField(
                        help_text="The day (UTC) whose limit this submission counts against."
                    ),
                ),
                (
                    "slot",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Which of the day's attempts it holds; none if returned.",
                        null=True,
                    ),
                ),
                (
                    "lifetime_slot",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Which of the attempts in all; a late one holds none.",
                        null=True,
                    ),
                ),
                (
                    "is_late",
                    models.BooleanField(
                        default=False, help_text="Came after the end: never ranked."
                    ),
                ),
                (
                    "pick",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The team's first or second choice for the final ranking.",
                        null=True,
                    ),
                ),
                (
                    "exclusion",
                    models.CharField(
                        blank=True,
                        help_text="Why it does not count. Empty: it does.",
                        max_length=300,
                    ),
                ),
                ("received_at", models.DateTimeField()),
                (
                    "rung_at",
                    models.DateTimeField(
                        blank=True, help_text="Last message to the queue.", null=True
                    ),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "attempt",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How often a worker began. The newest alone may finish.",
                    ),
                ),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, help_text="What the team is told.")),
                ("problems", models.JSONField(blank=True, default=list)),
                ("more_problems", models.PositiveIntegerField(default=0)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="submissions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-received_at", "-pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            (
                                "status__in",
                                (
                                    "scored",
                                    "invalid",
                                    "failed",
                                    "crashed",
                                    "timed_out",
                                    "out_of_memory",
                                    "cancelled",
                                ),
                            ),
                            _negated=True,
                        ),
                        fields=["status", "received_at"],
                        name="submission_unfinished",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "received",
                                    "queued",
                                    "running",
                                    "scored",
                                    "invalid",
                                    "failed",
                                    "crashed",
                                    "timed_out",
                                    "out_of_memory",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["file", "model"])),
                        name="what_was_sent_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "model"),
                            models.Q(
                                (
                                    "status__in",
                                    ["crashed", "timed_out", "out_of_memory", "cancelled"],
                                ),
                                _negated=True,
                            ),
                            _connector="OR",
                        ),
                        name="only_a_model_crashes_or_is_cancelled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "model"),
                            models.Q(("path", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="only_a_model_has_no_predictions_yet",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "running"), ("lease_until__isnull", False)),
                            models.Q(
                                models.Q(("status", "running"), _negated=True),
                                models.Q(("lease_until__isnull", False), _negated=True),
                            ),
                            models.Q(("kind", "model"), ("path", ""), ("status", "running")),
                            _connector="OR",
                        ),
                        name="leased_exactly_while_running",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "status__in",
                                    (
                                        "scored",
                                        "invalid",
                                        "failed",
                                        "crashed",
                                        "timed_out",
                                        "out_of_memory",
                                        "cancelled",
                                    ),
                                ),
                                ("finished_at__isnull", False),
                            ),
                            models.Q(
                                models.Q(
                                    (
                                        "status__in",
                                        (
                                            "scored",
                                            "invalid",
                                            "failed",
                                            "crashed",
                                            "timed_out",
                                            "out_of_memory",
                                            "cancelled",
                                        ),
                                    ),
                                    _negated=True,
                                ),
                                models.Q(("finished_at__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="finished_exactly_when_it_says_so",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "status__in",
                                    (
                                        "invalid",
                                        "failed",
                                        "crashed",
                                        "timed_out",
                                        "out_of_memory",
                                        "cancelled",
                                    ),
                                ),
                                models.Q(("error", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(
                                    (
                                        "status__in",
                                        (
                                            "invalid",
                                            "failed",
                                            "crashed",
                                            "timed_out",
                                            "out_of_memory",
                                            "cancelled",
                                        ),
                                    ),
                                    _negated=True,
                                ),
                                ("error", ""),
                            ),
                            _connector="OR",
                        ),
                        name="explains_itself_exactly_when_it_went_wrong",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ("invalid", "failed")), ("slot__isnull", True)),
                            models.Q(
                                models.Q(("status__in", ("invalid", "failed")), _negated=True),
                                models.Q(("slot__isnull", True), _negated=True),
                            ),
                            ("status", "cancelled"),
                            _connector="OR",
                        ),
                        name="slot_is_given_back_exactly_when_it_went_wrong",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("status__in", ["running", "scored", "invalid"]), _negated=True
                            ),
                            models.Q(("kind", "model"), ("status__in", ["running", "invalid"])),
                            ("attempt__gte", 1),
                            _connector="OR",
                        ),
                        name="attempts_are_counted_from_the_first_claim",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("slot__isnull", True), ("slot__gte", 1), _connector="OR"
                        ),
                        name="slots_count_from_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(
                                    ("status__in", ("invalid", "failed")),
                                    ("is_late", True),
                                    models.Q(("slot__isnull", True), ("status", "cancelled")),
                                    _connector="OR",
                                ),
                                ("lifetime_slot__isnull", True),
                            ),
                            models.Q(
                                models.Q(
                                    ("status__in", ("invalid", "failed")),
                                    ("is_late", True),
                                    models.Q(("slot__isnull", True), ("status", "cancelled")),
                                    _connector="OR",
                                    _negated=True,
                                ),
                                models.Q(("lifetime_slot__isnull", True), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="lifetime_slot_is_held_exactly_by_what_counts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("pick__isnull", True),
                            models.Q(
                                ("exclusion", ""),
                                ("is_late", False),
                                ("pick__in", (1, 2)),
                                ("status", "scored"),
                            ),
                            _connector="OR",
                        ),
                        name="picked_is_only_what_counts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finished_at__isnull", True),
                            ("finished_at__gte", models.F("received_at")),
                            _connector="OR",
                        ),
                        name="finished_after_it_was_received",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PublicScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.FloatField()),
                (
                    "shown",
                    models.FloatField(
                        help_text="What the team is told: rounded, or the Ladder's. None while scores are hidden.",
                        null=True,
                    ),
                ),
                (
                    "solution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.solutionversion",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="public_scores",
                        to="competitions.submission",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("submission", "solution"),
                        name="one_public_score_per_solution_version",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PrivateScore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.FloatField()),
                (
                    "solution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.solutionversion",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="private_scores",
                        to="competitions.submission",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("submission", "solution"),
                        name="one_private_score_per_solution_version",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="modelrun",
            name="submission",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="model_run",
                to="competitions.submission",
            ),
        ),
        migrations.CreateModel(
            name="BoardStatistics",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "version",
                    models.PositiveBigIntegerField(help_text="The board's, when it was computed."),
                ),
                ("computed_at", models.DateTimeField()),
                (
                    "noise",
                    models.FloatField(
                        help_text="A difference to the leader under this may be chance.", null=True
                    ),
                ),
                (
                    "competition",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="statistics",
                        to="competitions.competition",
                    ),
                ),
                (
                    "leader",
                    models.ForeignKey(
                        help_text="With whose score the others were compared.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="competitions.submission",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BaselineRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("arch", models.CharField(max_length=40)),
                ("title", models.CharField(max_length=60)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("training", "Training"),
                            ("ready", "Trained"),
                            ("posted", "On the board"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("note", models.TextField(blank=True, help_text="Why it failed.")),
                ("answers", models.CharField(blank=True, max_length=200)),
                ("public_score", models.FloatField(blank=True, null=True)),
                ("seconds", models.FloatField(blank=True, help_text="Training time.", null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("rung_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="baseline_runs",
                        to="competitions.competition",
                    ),
                ),
                (
                    "solution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="competitions.solutionversion",
                    ),
                ),
                (
                    "submission",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="baseline_run",
                        to="competitions.submission",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "arch"), name="one_run_of_each_baseline"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["waiting", "training", "ready", "posted", "failed"])
                        ),
                        name="baseline_run_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["ready", "posted"]), _negated=True),
                            models.Q(("answers", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="baseline_run_is_trained_only_with_answers",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("name_key", models.CharField(editable=False, max_length=180)),
                (
                    "group",
                    models.CharField(
                        blank=True,
                        help_text="A class or a course; the board can be filtered by it.",
                        max_length=40,
                    ),
                ),
                (
                    "is_baseline",
                    models.BooleanField(default=False, help_text="A line to beat, without a rank."),
                ),
                (
                    "is_hidden",
                    models.BooleanField(
                        default=False, help_text="Takes part, and stands on no board."
                    ),
                ),
                (
                    "disqualification",
                    models.CharField(
                        blank=True,
                        help_text="The reason, which the team reads. Empty: none.",
                        max_length=300,
                    ),
                ),
                (
                    "invitation",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Whoever has it may join the team.",
                        max_length=24,
                        null=True,
                        unique=True,
                    ),
                ),
                (
                    "extra_attempts",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Attempts beyond everybody's, a day and in all."
                    ),
                ),
                (
                    "closes_at",
                    models.DateTimeField(
                        blank=True, help_text="UTC. A later end for this team alone.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="teams",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "name_key"), name="team_name_once_per_competition"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("extra_attempts__lte", 1000)),
                        name="team_has_a_bounded_number_of_extra_attempts",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="submission",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="submissions",
                to="competitions.team",
            ),
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_baseline", models.BooleanField(default=False)),
                (
                    "score",
                    models.FloatField(
                        help_text="As displayed. None while scores are hidden.", null=True
                    ),
                ),
                (
                    "sort_key",
                    models.FloatField(
                        help_text="The score, negated where less is better.", null=True
                    ),
                ),
                (
                    "low",
                    models.FloatField(
                        blank=True, help_text="95 % interval, where one is known.", null=True
                    ),
                ),
                ("high", models.FloatField(blank=True, null=True)),
                (
                    "reached_at",
                    models.DateTimeField(help_text="When the best score's file was received."),
                ),
                ("entries", models.PositiveIntegerField(default=1)),
                ("last_at", models.DateTimeField()),
                (
                    "curve",
                    models.JSONField(
                        default=list,
                        help_text="Each improvement: seconds since 1970 when its file came, displayed score.",
                    ),
                ),
                (
                    "tied",
                    models.BooleanField(
                        help_text="Cannot be told apart from the leader.", null=True
                    ),
                ),
                (
                    "expected",
                    models.FloatField(
                        help_text="The score to expect on the private rows.", null=True
                    ),
                ),
                (
                    "rank_before",
                    models.PositiveIntegerField(help_text="The rank an hour ago.", null=True),
                ),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="standings",
                        to="competitions.competition",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.submission",
                    ),
                ),
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="standing",
                        to="competitions.team",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("competition"),
                        models.OrderBy(models.F("sort_key"), descending=True),
                        models.F("reached_at"),
                        models.F("team"),
                        name="board_order",
                    ),
                    models.Index(
                        condition=models.Q(("is_baseline", False)),
                        fields=["competition", "sort_key"],
                        name="board_ranks",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("high__isnull", True), ("low__isnull", True)),
                            models.Q(
                                ("high__isnull", False),
                                ("low__isnull", False),
                                ("low__lte", models.F("high")),
                            ),
                            _connector="OR",
                        ),
                        name="interval_has_both_ends_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("score__isnull", True), ("sort_key__isnull", True)),
                            models.Q(("score__isnull", False), ("sort_key__isnull", False)),
                            _connector="OR",
                        ),
                        name="standing_is_sorted_exactly_when_it_has_a_score",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="modelrun",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="model_runs",
                to="competitions.team",
            ),
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("joined_at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="competitions.competition",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="competitions.team",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "user"), name="one_team_per_person_and_competition"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FinalStanding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rank", models.PositiveIntegerField(help_text="None: a baseline.", null=True)),
                ("score", models.FloatField(help_text="Rounded to the competition's decimals.")),
                (
                    "sort_key",
                    models.FloatField(help_text="The score, negated where less is better."),
                ),
                ("low", models.FloatField(null=True)),
                ("high", models.FloatField(null=True)),
                ("reached_at", models.DateTimeField()),
                ("public_rank", models.PositiveIntegerField(null=True)),
                ("public_score", models.FloatField(null=True)),
                ("rank_low", models.PositiveIntegerField(null=True)),
                ("rank_high", models.PositiveIntegerField(null=True)),
                (
                    "tied",
                    models.BooleanField(
                        help_text="Cannot be told apart from the winner.", null=True
                    ),
                ),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="final_standings",
                        to="competitions.competition",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="competitions.submission",
                    ),
                ),
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="final_standing",
                        to="competitions.team",
                    ),
                ),
            ],
            options={
                "ordering": [
                    models.OrderBy(models.F("sort_key"), descending=True),
                    "reached_at",
                    "team",
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("high__isnull", True), ("low__isnull", True)),
                            models.Q(
                                ("high__isnull", False),
                                ("low__isnull", False),
                                ("low__lte", models.F("high")),
                            ),
                            _connector="OR",
                        ),
                        name="final_interval_has_both_ends_in_order",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "z",
                    models.FloatField(
                        help_text="The gap of public and private score, in standard errors."
                    ),
                ),
                ("raised_at", models.DateTimeField()),
                (
                    "seen_at",
                    models.DateTimeField(help_text="When a host had looked at it.", null=True),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="competitions.submission",
                    ),
                ),
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alarm",
                        to="competitions.team",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Unscorable",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sentence", models.TextField()),
                (
                    "rescoring",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unscorable",
                        to="competitions.rescoring",
                    ),
                ),
                (
                    "submission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="competitions.submission",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("rescoring", "submission"), name="unscorable_once_per_rescoring"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("size", models.PositiveBigIntegerField()),
                ("mark", models.CharField(blank=True, max_length=80)),
                ("received", models.PositiveBigIntegerField(default=0)),
                ("pieces", models.PositiveIntegerField(default=0)),
                ("path", models.CharField(blank=True, max_length=200)),
                ("joining_until", models.DateTimeField(blank=True, null=True)),
                ("begun_at", models.DateTimeField(auto_now_add=True)),
                ("touched_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uploads",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-begun_at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("received__lte", models.F("size"))),
                        name="upload_receives_no_more_than_its_size",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("path", ""), ("received", models.F("size")), _connector="OR"
                        ),
                        name="upload_is_kept_only_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClassSample",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "position",
                    models.PositiveIntegerField(help_text="In the challenge's order, from 0."),
                ),
                ("name", models.CharField(max_length=100)),
                ("images", models.PositiveIntegerField()),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="Empty: there is no picture.", max_length=200
                    ),
                ),
                ("sha256", models.CharField(blank=True, max_length=64, verbose_name="SHA-256")),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="class_samples",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("competition", "name"), name="one_class_sample_of_each_name"
                    ),
                    models.UniqueConstraint(
                        fields=("competition", "position"), name="one_class_sample_at_each_position"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="announcements",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True),
                        name="announcement_says_something",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Act",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opened", "Opened"),
                            ("closed", "Closed"),
                            ("paused", "Paused"),
                            ("resumed", "Resumed"),
                            ("extended", "Extended"),
                            ("announced", "Announced"),
                            ("revealed", "Revealed"),
                            ("published", "Published the final board"),
                            ("hid", "Hid a team"),
                            ("showed", "Showed a team again"),
                            ("disqualified", "Disqualified a team"),
                            ("reinstated", "Reinstated a team"),
                            ("marked_baseline", "Marked a team as a baseline"),
                            ("unmarked_baseline", "Took a baseline mark away"),
                            ("renamed", "Renamed a team"),
                            ("excluded", "Excluded a submission"),
                            ("included", "Included a submission again"),
                            ("scored_again", "Had a file scored again"),
                            ("alarm_seen", "Looked at an alarm"),
                            ("rescoring_begun", "Began to rescore"),
                            ("rescoring_applied", "Applied a rescoring"),
                            ("rescoring_dropped", "Dropped a rescoring"),
                            ("settings_changed", "Changed settings"),
                            ("finding_settled", "Settled a finding of the leak report"),
                            ("labels_viewed", "Looked at test labels"),
                            ("allowed_more", "Gave a team more time or attempts"),
                            ("organiser_added", "Added an organiser"),
                            ("organiser_changed", "Changed an organiser's role"),
                            ("organiser_removed", "Removed an organiser"),
                            ("roster_changed", "Changed the roster"),
                            ("code_changed", "Changed the class code"),
                            ("pin_reset", "Gave somebody a new PIN"),
                            ("cloned", "Cloned from another challenge"),
                            ("exported", "Exported"),
                            ("imported", "Imported"),
                            ("grades_exported", "Exported grades"),
                            ("model_screened", "Had a model screened"),
                            ("model_cancelled", "Cancelled a model"),
                            ("baseline_queued", "Had a baseline trained"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="Whom or what it concerned.", max_length=200
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("details", models.JSONField(default=dict)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "competition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="acts",
                        to="competitions.competition",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log entries",
                "ordering": ["-at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "opened",
                                    "closed",
                                    "paused",
                                    "resumed",
                                    "extended",
                                    "announced",
                                    "revealed",
                                    "published",
                                    "hid",
                                    "showed",
                                    "disqualified",
                                    "reinstated",
                                    "marked_baseline",
                                    "unmarked_baseline",
                                    "renamed",
                                    "excluded",
                                    "included",
                                    "scored_again",
                                    "alarm_seen",
                                    "rescoring_begun",
                                    "rescoring_applied",
                                    "rescoring_dropped",
                                    "settings_changed",
                                    "finding_settled",
                                    "labels_viewed",
                                    "allowed_more",
                                    "organiser_added",
                                    "organiser_changed",
                                    "organiser_removed",
                                    "roster_changed",
                                    "code_changed",
                                    "pin_reset",
                                    "cloned",
                                    "exported",
                                    "imported",
                                    "grades_exported",
                                    "model_screened",
                                    "model_cancelled",
                                    "baseline_queued",
                                ],
                            )
                        ),
                        name="act_is_of_a_known_kind",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="competition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("custom_metric__isnull", False), ("metric", "custom")),
                    models.Q(
                        models.Q(("metric", "custom"), _negated=True),
                        ("custom_metric__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="competition_has_a_custom_metric_exactly_when_it_says_custom",
            ),
        ),
        migrations.AddConstraint(
            model_name="competition",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "draft"),
                    models.Q(("preparation", "ready"), ("solution__isnull", False)),
                    _connector="OR",
                ),
                name="competition_is_ready_unless_it_is_a_draft",
                violation_error_message="Prepare the files before opening the competition.",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=models.Index(fields=["team", "-received_at"], name="submission_by_team"),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(
                fields=("team", "day", "slot"), name="one_submission_per_slot"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(
                fields=("team", "lifetime_slot"), name="one_submission_per_lifetime_slot"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(
                fields=("team", "pick"), name="one_submission_per_pick"
            ),
        ),
        migrations.AddIndex(
            model_name="modelrun",
            index=models.Index(fields=["team", "served_at"], name="model_runs_of_a_team"),
        ),
    ]
