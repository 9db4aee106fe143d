from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("competitions", "0005_fill_board_and_life")]

    operations = [
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("status__in", ("invalid", "failed")),
                            ("is_late", True),
                            _connector="OR",
                        ),
                        ("lifetime_slot__isnull", True),
                    ),
                    models.Q(
                        models.Q(
                            ("status__in", ("invalid", "failed")),
                            ("is_late", True),
                            _connector="OR",
                            _negated=True,
                        ),
                        models.Q(("lifetime_slot__isnull", True), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="lifetime_slot_is_held_exactly_by_what_counts",
            ),
        ),
    ]
