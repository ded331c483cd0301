"""The settings of an import."""

from __future__ import annotations

from typing import Literal

from core.config.base import Config, config, setting
from core.errors import ConfigError

Source = Literal["nih", "roco", "table", "dicom", "chexpert", "mimic", "padchest", "vindr", "rsna", "openi", "demo"]

SOURCES: dict[Source, str] = {
    "nih": "NIH ChestX-ray14: images_*/images, Data_Entry_2017*.csv, the two lists; Google's relabels and boxes too",
    "roco": "ROCO (captions.txt, keywords.txt, images/) or ROCOv2 (*_captions.csv and images)",
    "table": "any CSV, TSV, Parquet or Excel sheet whose rows name pictures",
    "dicom": "a folder of DICOM files: patient, sex, age and view are in their headers",
    "chexpert": "CheXpert: train.csv, valid.csv and the folders they name",
    "mimic": "MIMIC-CXR-JPG: mimic-cxr-2.0.0-*.csv.gz and files/; reports (files/p*/p*/s*.txt) where present",
    "padchest": "PadChest: its images in any folders",
    "vindr": "VinDr-CXR: DICOM or PNG pictures",
    "rsna": "RSNA pneumonia challenge: stage_2_train_images",
    "openi": "Open-i, Indiana University: pictures as PNG or DICOM; their reports come with Fluoroscope",
    "demo": "synthetic radiographs, drawn on the spot",
}
"""What each source is, in a line."""


@config
class MappingConfig(Config):
    """Which column of a table means what; an empty name: there is none."""

    table: str = setting(default="", help="the table's file name; empty where the folder holds one table alone")
    image: str = setting(default="", help="names the picture's file")
    text: str = setting(default="", help="report, note or caption")
    patient: str = setting(default="", help="says whose radiograph it is; splits are made by it")
    split: str = setting(default="", help="train, val or test; empty: split by patient")
    age: str = setting(default="", help="age in years")
    sex: str = setting(default="", help="M or F")
    view: str = setting(default="", help="PA, AP or lateral")
    findings: tuple[str, ...] = setting(
        default=(), help="columns of 1, 0, -1 (uncertain) or nothing; or one column that holds names of findings"
    )
    separator: str = setting(default="|", help="between names of findings that stand in one column")
    keep: tuple[str, ...] = setting(default=(), help="more columns to keep for filtering; they are not salted")


@config
class ImportConfig(Config):
    """Where radiographs come from, and what becomes of them."""

    source: Source = setting(help="the layout of the folder", main=True)
    path: str = setting(default="", help="the folder (the demo needs none)", main=True)
    name: str = setting(help="of the new study: a-z, 0-9, '.', '-', '_'", main=True)
    size: int = setting(default=224, help="side of the stored pictures in pixels", low=16, high=2048, main=True)
    fit: Literal["crop", "pad"] = setting(
        default="crop", help="crop: centre of the picture; pad: the whole picture with black bars", main=True
    )
    uncertain: Literal["S1", "S2", "S3"] = setting(
        default="S2",
        help="findings stated as uncertain (-1). S1: present for Atelectasis and Edema, else absent; S2: unknown; "
        "S3: a class of its own",
        main=True,
    )
    vocabulary: Literal["own", "nih", "chexpert"] = setting(
        default="own",
        help="name findings as the source does, or as NIH or CheXpert where they mean the same",
        main=True,
    )
    labels: Literal["text-mined", "experts"] = setting(
        default="text-mined", help="NIH only: NIH's labels, or Google's expert labels where there are some"
    )
    split: Literal["given", "seeded"] = setting(
        default="given",
        help="given: the source's own lists, where it has some; seeded: a new one by patient",
        main=True,
    )
    val_fraction: float = setting(default=0.15, help="share of validation, where it has to be cut", low=0.0, high=0.9)
    test_fraction: float = setting(default=0.15, help="share of test, where it has to be cut", low=0.0, high=0.9)
    seed: int = setting(default=0, help="of the split (of the drawing, for the demo)", low=0, high=2**31 - 1)
    patients: Literal["named", "each-image"] = setting(
        default="named",
        help="named: by the source; each image: where it names none, every radiograph counts as another person's",
    )
    copies: Literal["refuse", "set-aside"] = setting(
        default="refuse",
        help="identical pictures in two splits: refuse the study, or set copies aside (test keeps its own, then val)",
    )
    images: int = setting(default=1200, help="demo only: how many radiographs are drawn", low=28, high=20_000)
    mapping: MappingConfig = setting(help="of a table's columns", factory=MappingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path and self.source != "demo":
            raise ConfigError(f"Source {self.source!r} needs a path: the folder in which the radiographs lie.")
        if self.source == "demo" and not 32 <= self.size <= 1024:
            raise ConfigError(f"size is {self.size}; the demo is drawn with sides from 32 to 1024 pixels.")
        if self.labels == "experts" and self.source != "nih":
            raise ConfigError(f"labels is 'experts', but only NIH has expert labels; the source is {self.source!r}.")
        if self.val_fraction + self.test_fraction > 0.95:
            raise ConfigError(
                f"val_fraction {self.val_fraction:g} and test_fraction {self.test_fraction:g} leave nothing to train "
                "on: together they may be at most 0.95."
            )
