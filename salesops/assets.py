"""Static files: scripts served straight from the wheels that ship them, hashed names, compressed copies."""

from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Public name below /static/ -> (package, file inside it). No copy of a vendor's file lives in the repository.
PACKAGED = {
    "vendor/plotly.min.js": ("plotly", "package_data/plotly.min.js"),
    "vendor/htmx.min.js": ("django_htmx", "static/django_htmx/htmx-2.min.js"),
}

OWN_SCRIPTS = ("js/",)


class _PackagedStorage(FileSystemStorage):
    """Read-only storage over `PACKAGED`; its names are the public ones."""

    prefix = ""

    def path(self, name: str) -> str:
        package, inside = PACKAGED[name.replace("\\", "/")]
        return str(files(package).joinpath(inside))


class PackagedAssetsFinder(BaseFinder):
    """Finds the files of `PACKAGED` for `collectstatic` and for the development server."""

    storage = _PackagedStorage()

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """The file's place on disk, or nothing; a list when all places are asked."""
        found = (
            [self.storage.path(path)] if path in PACKAGED and Path(self.storage.path(path)).exists() else []
        )
        if find_all or kwargs.get("all"):
            return found
        return found[0] if found else []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Every packaged file with the storage that opens it."""
        for name in PACKAGED:
            yield name, self.storage


class CompressedAssetsStorage(CompressedManifestStaticFilesStorage):
    """Content-hashed names (also inside ES module imports) with gzip and brotli copies, for the image build."""

    support_js_module_import_aggregation = True

    def url_converter(self, name: str, *args: Any, **kwargs: Any) -> Callable[..., str]:
        """Rewrites imports in our own scripts only: some vendors' import files that they do not ship."""
        if name.endswith(".js") and not name.startswith(OWN_SCRIPTS):
            return lambda match: str(match[0])
        return super().url_converter(name, *args, **kwargs)  # type: ignore[no-any-return]


class _GzipOnly(Compressor):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "use_brotli": False})


class TrialAssetsStorage(CompressedAssetsStorage):
    """The same without brotli, which takes a quarter of a minute for the chart library alone."""

    def create_compressor(self, **kwargs: Any) -> Callable[..., Any]:
        return _GzipOnly(**kwargs)  # type: ignore[no-any-return]
