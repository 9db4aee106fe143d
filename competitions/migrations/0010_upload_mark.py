from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("competitions", "0009_mistakes"),
    ]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="mark",
            field=models.CharField(blank=True, default="", max_length=80),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="upload",
            name="joining_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
