from tests.importer.conftest import box, data_dir

__all__ = ["box", "data_dir"]
