from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("competitions", "0007_organiser")]

    operations = [
        migrations.AddField(
            model_name="solutionversion",
            name="launch_trial",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
    ]
