"""Public data sets: what is known of them, where they are, and the frames they become."""

from patronage.datasets.public.info import DATASETS, DatasetInfo, Source
from patronage.datasets.public.loading import dataset_info, load_dataset, open_dataset

__all__ = ["DATASETS", "DatasetInfo", "Source", "dataset_info", "load_dataset", "open_dataset"]
