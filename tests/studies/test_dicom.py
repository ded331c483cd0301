"""DICOM files of every usual kind are shown as the standard says; the others end in an error in words."""

from __future__ import annotations

import io
import logging
import random
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, Sequence, dcmread, uid
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import compress

from core.errors import InputError
from core.studies.images import read_radiograph

STEPS = np.repeat(np.array([[0, 1000, 2000, 4095]], np.uint16), 4, axis=0)
"""4 x 4, 12 bits: columns of one value each."""

NAME = "Planted^Patient"


def data_set(pixels: NDArray[Any], syntax: str = uid.ExplicitVRLittleEndian, **tags: Any) -> FileDataset:
    """A data set around ``pixels``: (rows, columns) or (frames, rows, columns), or colour (rows, columns, 3)."""
    little = syntax != uid.ExplicitVRBigEndian
    made = FileDataset("", Dataset(), b"\0" * 128, FileMetaDataset(), is_implicit_VR=False, is_little_endian=little)
    made.file_meta.TransferSyntaxUID = uid.UID(syntax)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = "1.2.3"
    made.PatientName = made.PatientID = NAME
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    made.Rows, made.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        made.PlanarConfiguration = 0
    elif pixels.ndim == 3:
        made.NumberOfFrames = len(pixels)
    made.BitsAllocated = 8 * pixels.dtype.itemsize
    made.BitsStored = 12 if made.BitsAllocated == 16 else 8
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes()
    made["PixelData"].VR = "OW" if made.BitsAllocated == 16 else "OB"
    for tag, value in tags.items():
        setattr(made, tag, value)
    made.HighBit = made.BitsStored - 1
    return made


def shown(folder: Path, made: FileDataset, size: int | None = None) -> NDArray[np.uint8]:
    """What is read of ``made``, by default pixel for pixel."""
    made.save_as(folder / "x", enforce_file_format=True)
    return read_radiograph(folder / "x", size or int(made.Rows))


def columns(found: NDArray[np.uint8]) -> list[int]:
    """The values of the columns, each of which has one."""
    assert (found == found[0]).all()
    return found[0].tolist()


class TestWindow:
    """Values worked by hand from PS3.3 C.11.2.1.2."""

    def test_linear(self, tmp_path: Path) -> None:
        made = data_set(STEPS, WindowCenter=2000, WindowWidth=2001)
        # ((x - 1999.5) / 2000 + 0.5) * 255: at 1000 it is 255 * 0.00025, at 2000 255 * 0.50025
        assert columns(shown(tmp_path, made)) == [0, 0, 128, 255]

    def test_linear_exact(self, tmp_path: Path) -> None:
        made = data_set(STEPS, WindowCenter=1500, WindowWidth=2500, VOILUTFunction="LINEAR_EXACT")
        # ((1000 - 1500) / 2500 + 0.5) * 255 = 76.5; ((2000 - 1500) / 2500 + 0.5) * 255 = 178.5
        found = columns(shown(tmp_path, made))
        assert found[0] == 0 and found[1] in (76, 77) and found[2] in (178, 179) and found[3] == 255

    def test_sigmoid(self, tmp_path: Path) -> None:
        made = data_set(STEPS, WindowCenter=2000, WindowWidth=2000, VOILUTFunction="SIGMOID")
        wanted = [255 / (1 + np.exp(-4 * (x - 2000) / 2000)) for x in (0, 1000, 2000, 4095)]
        assert np.abs(np.array(columns(shown(tmp_path, made))) - wanted).max() <= 0.51

    def test_the_first_of_several(self, tmp_path: Path) -> None:
        one = columns(shown(tmp_path, data_set(STEPS, WindowCenter=1000, WindowWidth=500)))
        two = columns(shown(tmp_path, data_set(STEPS, WindowCenter=[1000, 3000], WindowWidth=[500, 9000])))
        assert one == two == [0, 128, 255, 255]

    @pytest.mark.parametrize("width", [0, -5, None])
    def test_a_window_without_width_is_none(self, tmp_path: Path, width: int | None) -> None:
        made = data_set(STEPS, WindowCenter=1000, WindowWidth=width)
        assert columns(shown(tmp_path, made)) == columns(shown(tmp_path, data_set(STEPS)))

    def test_without_one_the_percentiles(self, tmp_path: Path) -> None:
        values = np.arange(10_000, dtype=np.uint16).reshape(100, 100) // 10 + 500  # 500 to 1499, ten of each
        values[0, 0] = 4095  # one burnt pixel
        found = shown(tmp_path, data_set(values))
        # 0.5 % of 10,000 pixels: the 50th smallest is 504 or 505, the 9,950th 1494 or 1495
        wanted = np.clip((values - 504.5) / 990, 0, 1) * 255
        assert np.abs(found - wanted).max() <= 1
        Image.fromarray(values).save(tmp_path / "x.png")
        assert np.array_equal(found, read_radiograph(tmp_path / "x.png", 100))

    def test_eight_bits_without_one_keep_their_values(self, tmp_path: Path) -> None:
        values = np.array([[7, 90], [100, 180]], np.uint8)
        assert np.array_equal(shown(tmp_path, data_set(values)), values)

    @pytest.mark.parametrize(("first", "vr"), [(0, "OW"), (1000, "US")])
    def test_a_lookup_table(self, tmp_path: Path, first: int, vr: str) -> None:
        item = Dataset()
        item.LUTDescriptor = [3001, first, 12]
        table = [4095 - k for k in range(3001)]
        item.add_new("LUTData", vr, np.array(table, "<u2").tobytes() if vr == "OW" else table)
        made = data_set(STEPS, VOILUTSequence=Sequence([item]))
        wanted = [(4095 - min(max(x - first, 0), 3000)) / 4095 * 255 for x in (0, 1000, 2000, 4095)]
        assert np.abs(np.array(columns(shown(tmp_path, made))) - wanted).max() <= 0.51


class TestValues:
    def test_monochrome1_is_inverted(self, tmp_path: Path) -> None:
        tags = {"WindowCenter": 1500, "WindowWidth": 2500}
        plain = columns(shown(tmp_path, data_set(STEPS, **tags)))
        assert plain[0] < plain[1] < plain[2]
        assert columns(shown(tmp_path, data_set(STEPS, PhotometricInterpretation="MONOCHROME1", **tags))) == [
            255 - value for value in plain
        ]

    def test_rescaled_before_the_window(self, tmp_path: Path) -> None:
        made = data_set(STEPS, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=1000, WindowWidth=1001)
        assert columns(shown(tmp_path, made)) == [0, 128, 255, 255]  # 2 * 1000 - 1000 is the middle

    def test_a_falling_slope_turns_the_picture(self, tmp_path: Path) -> None:
        made = data_set(STEPS, RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=2095, WindowWidth=2000)
        assert columns(shown(tmp_path, made)) == [255, 255, 128, 0]
        assert columns(shown(tmp_path, data_set(STEPS, RescaleSlope=-1, RescaleIntercept=0)))[::3] == [255, 0]

    def test_a_modality_table(self, tmp_path: Path) -> None:
        item = Dataset()
        item.LUTDescriptor, item.LUTData = [4096, 0, 16], (np.arange(4096, dtype="<u2") * 10).astype("<u2").tobytes()
        made = data_set(STEPS, ModalityLUTSequence=Sequence([item]), WindowCenter=10_000, WindowWidth=5000)
        assert columns(shown(tmp_path, made)) == [0, 128, 255, 255]

    def test_signed(self, tmp_path: Path) -> None:
        values = np.repeat(np.array([[-2000, -500, 0, 2000]], np.int16), 4, axis=0)
        assert columns(shown(tmp_path, data_set(values, WindowCenter=-500, WindowWidth=1000))) == [0, 128, 255, 255]

    def test_big_endian(self, tmp_path: Path) -> None:
        made = data_set(STEPS.astype(">u2"), uid.ExplicitVRBigEndian, WindowCenter=1000, WindowWidth=500)
        assert columns(shown(tmp_path, made)) == [0, 128, 255, 255]

    def test_bits_beyond_those_stored_do_not_count(self, tmp_path: Path) -> None:
        tags = {"WindowCenter": 1500, "WindowWidth": 2500}
        wanted = shown(tmp_path, data_set(STEPS, **tags))
        assert np.array_equal(shown(tmp_path, data_set(STEPS | 0xA000, **tags)), wanted)

    @pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
    def test_padding_is_black_and_out_of_the_percentiles(self, tmp_path: Path, kind: str) -> None:
        values = np.random.default_rng(0).integers(1000, 2000, (100, 100)).astype(np.uint16)
        alone = shown(tmp_path, data_set(values, PhotometricInterpretation=kind)).astype(int)
        values[:30] = 4000
        tags = {"PhotometricInterpretation": kind, "PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 4095}
        found = shown(tmp_path, data_set(values, **tags))
        assert (found[:30] == 0).all() and np.abs(found[30:] - alone[30:]).max() <= 2
        assert (shown(tmp_path, data_set(np.full_like(values, 4000), **tags)) == 0).all()

    def test_padding_of_signed_values_told_as_unsigned(self, tmp_path: Path) -> None:
        values = np.repeat(np.array([[-2000, 0, 1000, 1000]], np.int16), 4, axis=0)
        made = data_set(values)
        made.add_new("PixelPaddingValue", "US", 2**16 - 2000)
        assert columns(shown(tmp_path, made)) == [0, 0, 255, 255]

    def test_the_first_frame(self, tmp_path: Path) -> None:
        frames = np.stack([STEPS, np.zeros_like(STEPS), STEPS[:, ::-1]])
        tags = {"WindowCenter": 1000, "WindowWidth": 500}
        assert columns(shown(tmp_path, data_set(frames, **tags))) == [0, 128, 255, 255]

    @pytest.mark.parametrize("planar", [0, 1])
    def test_colour(self, tmp_path: Path, planar: int) -> None:
        values = np.random.default_rng(1).integers(0, 255, (16, 16, 3)).astype(np.uint8)
        wanted = np.asarray(Image.fromarray(values).convert("L"))
        made = data_set(values, PlanarConfiguration=planar)
        if planar:
            made.PixelData = np.ascontiguousarray(values.transpose(2, 0, 1)).tobytes()
        assert np.array_equal(shown(tmp_path, made), wanted)
        made.PixelData = Image.fromarray(values).convert("YCbCr").tobytes()
        made.PlanarConfiguration, made.PhotometricInterpretation = 0, "YBR_FULL"
        assert np.abs(shown(tmp_path, made).astype(int) - wanted).max() <= 2

    def test_resampled_and_padded_like_any_picture(self, tmp_path: Path) -> None:
        made = data_set(np.full((40, 80), 200, np.uint8))
        made.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        found = read_radiograph(tmp_path / "x.dcm", 40, "pad")
        assert (found[10:30] == 200).all() and not found[:10].any() and not found[30:].any()


def smooth() -> NDArray[np.uint16]:
    """64 x 64, 12 bits, no two rows or columns alike."""
    y, x = np.mgrid[:64, :64]
    return (2000 + 1000 * np.sin(x / 9) + 900 * np.cos(y / 7 + x / 30)).astype(np.uint16)


def compressed(made: FileDataset, syntax: str) -> FileDataset:
    """``made`` (12 bits, grey), its frame compressed without loss."""
    pixels = np.frombuffer(made.PixelData, np.uint16).reshape(made.Rows, made.Columns)
    if syntax in (uid.JPEGLossless, uid.JPEGLosslessSV1):
        frame = imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=12)
    elif syntax == uid.JPEGLSLossless:
        frame = imagecodecs.jpegls_encode(pixels)
    else:
        frame = imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=12, codecformat="j2k")
    return encapsulated(made, syntax, frame)


def encapsulated(made: FileDataset, syntax: str, *frames: bytes) -> FileDataset:
    made.file_meta.TransferSyntaxUID = uid.UID(syntax)
    made.PixelData = encapsulate(list(frames))
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return made


LOSSLESS = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEG2000Lossless)


class TestCompressed:
    @pytest.mark.parametrize("syntax", LOSSLESS, ids=[str(one.keyword) for one in LOSSLESS])
    def test_lossless(self, tmp_path: Path, syntax: str) -> None:
        wanted = shown(tmp_path, data_set(smooth()))
        assert np.array_equal(shown(tmp_path, compressed(data_set(smooth()), syntax)), wanted)

    def test_rle(self, tmp_path: Path) -> None:
        wanted, made = shown(tmp_path, data_set(smooth())), data_set(smooth())
        compress(made, uid.RLELossless, generate_instance_uid=False)
        assert np.array_equal(shown(tmp_path, made), wanted)

    @pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEG2000])
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_lossy(self, tmp_path: Path, syntax: uid.UID, mode: str) -> None:
        values = (smooth() // 16).astype(np.uint8)
        pixels, buffer = Image.fromarray(values).convert(mode), io.BytesIO()
        if syntax == uid.JPEGBaseline8Bit:
            pixels.save(buffer, "JPEG", quality=95)
        else:
            pixels.save(buffer, "JPEG2000", no_jp2=True, irreversible=True, mct=0)
        made = encapsulated(data_set(np.asarray(pixels)), syntax, buffer.getvalue())
        if mode == "RGB" and syntax == uid.JPEGBaseline8Bit:
            made.PhotometricInterpretation = "YBR_FULL_422"
        assert np.abs(shown(tmp_path, made).astype(int) - values).max() <= 6

    def test_only_the_first_frame_is_decoded(self, tmp_path: Path) -> None:
        """The second is no JPEG at all."""
        values, buffer = (smooth() // 16).astype(np.uint8), io.BytesIO()
        Image.fromarray(values).save(buffer, "JPEG", quality=95)
        made = data_set(np.stack([values, values]))
        made = encapsulated(made, uid.JPEGBaseline8Bit, buffer.getvalue(), b"not a frame ")
        assert np.abs(shown(tmp_path, made).astype(int) - values).max() <= 6


class TestRefused:
    @pytest.mark.parametrize(
        ("rows", "columns", "frames", "refused"),
        [(9000, 9000, 1, True), (1000, 1000, 51, True), (100, 100, 2, False)],
    )
    def test_by_the_size_in_the_header(
        self, tmp_path: Path, rows: int, columns: int, frames: int, refused: bool
    ) -> None:
        """There are no pixels behind the header: had they been asked for, the error would be another."""
        made = data_set(STEPS, Rows=rows, Columns=columns, NumberOfFrames=frames)
        with pytest.raises(InputError, match="at most 50 megapixels" if refused else "absent, damaged, cut off"):
            shown(tmp_path, made, 4)

    def test_a_report(self, tmp_path: Path) -> None:
        made = data_set(STEPS)
        for tag in ("PixelData", "Rows", "Columns"):
            delattr(made, tag)
        made.save_as(tmp_path / "x", enforce_file_format=True)
        with pytest.raises(InputError, match="without one"):
            read_radiograph(tmp_path / "x", 4)

    def test_no_pixels(self, tmp_path: Path) -> None:
        made = data_set(STEPS)
        del made.PixelData
        with pytest.raises(InputError, match="absent"):
            shown(tmp_path, made)

    @pytest.mark.parametrize("syntax", ["1.2.3.4.5", uid.MPEG2MPML, uid.DeflatedExplicitVRLittleEndian])
    def test_transfer_syntaxes(self, tmp_path: Path, syntax: str) -> None:
        made = data_set(STEPS)
        if syntax != uid.DeflatedExplicitVRLittleEndian:
            made = encapsulated(made, syntax, b"no frame")
            made.save_as(tmp_path / "x", implicit_vr=False, little_endian=True)
        else:
            made.file_meta.TransferSyntaxUID = syntax
            made.save_as(tmp_path / "x", enforce_file_format=True)
        with pytest.raises(InputError, match="transfer syntax that is not read"):
            read_radiograph(tmp_path / "x", 4)

    @pytest.mark.parametrize(
        "tags",
        [
            {"PhotometricInterpretation": "PALETTE COLOR"},
            {"PhotometricInterpretation": "RGB"},
            {"PhotometricInterpretation": "PLANTED"},
            {"SamplesPerPixel": 3},
        ],
    )
    def test_forms(self, tmp_path: Path, tags: dict[str, Any]) -> None:
        with pytest.raises(InputError, match="allowed are MONOCHROME1") as error:
            shown(tmp_path, data_set(STEPS, **tags))
        assert "PLANTED" not in str(error.value)

    def test_too_deep(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="32 bits per sample; at most 16"):
            shown(tmp_path, data_set(STEPS.astype(np.uint32), BitsStored=32))

    def test_cut_anywhere(self, tmp_path: Path) -> None:
        made = data_set(smooth())
        shown(tmp_path, made)
        whole = (tmp_path / "x").read_bytes()
        for end in [*range(0, 600, 7), *range(600, len(whole) - 1, 301)]:
            (tmp_path / "x").write_bytes(whole[:end])
            with pytest.raises(InputError, match="not a picture that can be decoded") as error:
                read_radiograph(tmp_path / "x", 16)
            assert str(tmp_path) not in str(error.value) and NAME not in str(error.value)

    def test_damage_of_any_kind_is_an_error_in_words(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Bytes changed at random, in compressed frames, too; nothing is written to the log or the terminal."""
        plain = data_set(smooth(), WindowCenter=2000, WindowWidth=2000, RescaleSlope=1, RescaleIntercept=0)
        made = [plain, *(compressed(data_set(smooth()), syntax) for syntax in LOSSLESS)]
        draw, path, refused = random.Random(0), tmp_path / "x", 0
        caplog.set_level(logging.DEBUG)
        for one in made:
            one.save_as(path, enforce_file_format=True)
            whole = path.read_bytes()
            for _ in range(60):
                data = bytearray(whole)
                for _ in range(draw.choice((1, 3, 20))):
                    data[draw.randrange(132, draw.choice((900, 1200, len(data))))] = draw.randrange(256)
                path.write_bytes(data)
                try:
                    assert read_radiograph(path, 16).shape == (16, 16)
                except InputError as error:
                    refused += 1
                    assert NAME not in str(error) and str(tmp_path) not in str(error)
        assert refused > 50
        assert not [record for record in caplog.records if record.name.startswith("pydicom")]
        assert capfd.readouterr() == ("", "")


class TestReal:
    def test_monochrome1(self, real_data: Path) -> None:
        """Eight bits, JPEG baseline, no window. Its tag says MONOCHROME1, so each stored value is inverted."""
        path = real_data / "full_size" / "monochrome1.dcm"
        stored = dcmread(path).pixel_array
        assert np.array_equal(read_radiograph(path, 1024), 255 - stored)
        assert read_radiograph(path, 224).std() > 40

    def test_cut_off(self, real_data: Path, tmp_path: Path) -> None:
        whole = (real_data / "full_size" / "monochrome1.dcm").read_bytes()
        draw = random.Random(1)
        for _ in range(40):
            (tmp_path / "x").write_bytes(whole[: draw.randrange(len(whole) - 2000)])
            with pytest.raises(InputError, match="not a picture"):
                read_radiograph(tmp_path / "x", 64)
