"""The HTML forms of the domain. Whether a file may be taken is the verb's to say, not theirs."""

from django import forms


class SubmissionForm(forms.Form):
    """A file of predictions, or a model, and a word to remember it by."""

    file = forms.FileField(
        label="File of predictions",
        error_messages={"required": "Choose a file first.", "empty": "The file is empty."},
        # An empty file is refused with the scoring's own words, as from every other door.
        allow_empty_file=True,
    )
    architecture = forms.CharField(
        label="Architecture",
        required=False,
        max_length=100,
        help_text="A name of the baselines' zoo, or torchvision/NAME.",
        widget=forms.TextInput(attrs={"placeholder": "resnet18", "autocomplete": "off"}),
    )
    arguments = forms.CharField(
        label="Its keywords",
        required=False,
        max_length=4000,
        help_text="As JSON, what you built it with; the number of classes follows by itself.",
        widget=forms.TextInput(attrs={"placeholder": '{"width": 64}', "autocomplete": "off"}),
    )
    message = forms.CharField(
        label="Message",
        required=False,
        max_length=200,
        help_text="For your own log: what is new in this one?",
        widget=forms.TextInput(
            attrs={"placeholder": "cutmix 0.5, 30 epochs", "autocomplete": "off"}
        ),
    )
