"""Static files in production: compressed, named by their content, kept for ever by browsers."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise is untyped
    """Also rewrites the imports between our ES modules, so that they ask for the named files."""

    support_js_module_import_aggregation = True
