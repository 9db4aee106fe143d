"""What an installation needs before it can serve: tables, the organiser, the demo challenge."""

import holdout.standalone  # noqa: F401 - sets Django up

# isort: split
import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from competitions import admission
from competitions.models import Competition, Preparation
from holdout.environment import kept_secret, speakable_secret

ORGANISER = "host"
DEMO = "digits"
PASSWORD_FILE = settings.VAR / "admin_password"
_log = structlog.get_logger(__name__)


def organiser() -> None:
    """Makes the organiser once; a password given in the environment is (re)set."""
    users = get_user_model().objects
    user = users.filter(username=ORGANISER).first()
    chosen = settings.ADMIN_PASSWORD
    if user is None:
        password = chosen or kept_secret(PASSWORD_FILE, speakable_secret)
        users.create_superuser(ORGANISER, password=password)
    elif chosen and not user.check_password(chosen):
        user.set_password(chosen)
        user.save(update_fields=["password"])
    if chosen:
        PASSWORD_FILE.unlink(missing_ok=True)  # it would name a password that is none any more


def demo() -> None:
    """The digits challenge, in an installation that holds none yet."""
    ready = Competition.objects.filter(preparation=Preparation.READY)
    if not settings.DEMO or ready.exists():
        return
    try:
        call_command("load_competition", DEMO, open=True)
    except CommandError as error:
        # A site without its demo is still a site.
        _log.error("the demo challenge could not be made", reason=str(error))
        return
    code = admission.new_code(Competition.objects.get(slug=DEMO))
    (settings.VAR / "class_code").write_text(code)


def main() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    organiser()
    demo()


if __name__ == "__main__":
    main()
