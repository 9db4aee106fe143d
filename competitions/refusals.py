"""What a verb answers when it may not do what was asked: every door shows the same sentence."""


class Refused(Exception):
    """The request was understood and is refused; ``str(error)`` says why and what to do."""

    code = "refused"
    http_status = 400


class NotFound(Refused):
    """No such thing, or none that this person may know of."""

    code = "not_found"
    http_status = 404


class NotAMember(Refused):
    code = "not_a_member"
    http_status = 403


class NotOpen(Refused):
    code = "not_open"
    http_status = 409


class NotReady(Refused):
    code = "not_ready"
    http_status = 409


class NameTaken(Refused):
    code = "name_taken"
    http_status = 409


class FileTooLarge(Refused):
    code = "file_too_large"
    http_status = 413


class LimitReached(Refused):
    code = "limit_reached"
    http_status = 429


class InvalidModel(Refused):
    """A model that would be refused whoever ran it; the sentences say what is wrong with it."""

    code = "invalid_model"
