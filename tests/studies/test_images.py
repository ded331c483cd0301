"""Decoding: every usual form of a file gives the same radiograph, and every unusual one an error in words."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.studies.images import MAX_PIXELS, read_radiograph

SIZE = 32


@pytest.fixture
def ramp() -> NDArray[np.uint8]:
    """64 x 64: dark above, bright below, with a black patch in its upper left corner."""
    picture = np.repeat(np.linspace(40, 240, 64).astype(np.uint8)[:, None], 64, axis=1)
    picture[:16, :16] = 0
    return picture


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def close(a: NDArray[np.uint8], b: NDArray[np.uint8], within: int) -> bool:
    return a.shape == b.shape == (SIZE, SIZE) and int(np.abs(a.astype(int) - b.astype(int)).max()) <= within


def test_eight_bit_grey_keeps_its_values(tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
    found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(ramp)), 64)
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    assert np.array_equal(found, ramp)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_png_modes(tmp_path: Path, ramp: NDArray[np.uint8], mode: str) -> None:
    image = Image.fromarray(ramp)
    wanted = read_radiograph(saved(tmp_path / "l.png", image), SIZE)
    assert close(read_radiograph(saved(tmp_path / "x.png", image.convert(mode)), SIZE), wanted, within=1)


def test_a_palette_with_transparency_lies_on_black(tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
    opaque = np.arange(256)  # entry k of the palette, grey value k, is that opaque
    path = saved(tmp_path / "x.png", Image.fromarray(ramp).convert("P"), transparency=bytes(opaque.tolist()))
    wanted = ramp.astype(float) ** 2 / 255
    assert np.abs(read_radiograph(path, 64) - wanted).max() <= 1


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_is_black(tmp_path: Path, mode: str) -> None:
    pixels = np.full((40, 40, len(mode)), 200, np.uint8)
    pixels[..., -1] = 255
    pixels[:, :10, -1] = 0
    found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(pixels, mode)), 40)
    assert (found[:, :10] == 0).all() and (found[:, 10:] == 200).all()


def test_a_grey_value_that_stands_for_transparent_is_black(tmp_path: Path) -> None:
    pixels = np.full((40, 40), 200, np.uint8)
    pixels[:, :10] = 255
    found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(pixels), transparency=255), 40)
    assert (found[:, :10] == 0).all() and (found[:, 10:] == 200).all()


def test_the_suffix_does_not_count(tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
    path = saved(tmp_path / "x.jpg", Image.fromarray(ramp), format="PNG")
    assert np.array_equal(read_radiograph(path, 64), ramp)


def test_one_bit(tmp_path: Path) -> None:
    bits = np.zeros((SIZE, SIZE), bool)
    bits[8:, :] = True
    found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(bits)), SIZE)
    assert np.array_equal(found, bits * np.uint8(255))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_modes(tmp_path: Path, ramp: NDArray[np.uint8], mode: str) -> None:
    image = Image.fromarray(ramp)
    path = saved(tmp_path / "x.jpg", image.convert("RGB").convert(mode), quality=95)
    wanted = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    assert close(read_radiograph(path, SIZE), wanted, within=20)
    assert np.abs(read_radiograph(path, SIZE).astype(float) - wanted).mean() < 2


class TestSixteenBits:
    @pytest.mark.parametrize("top", [4095, 65535])
    def test_windowed_not_clipped(self, tmp_path: Path, ramp: NDArray[np.uint8], top: int) -> None:
        deep = (ramp.astype(np.float64) / 255 * top).astype(np.uint16)
        found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(deep)), 64)
        assert (found == 255).mean() < 0.05
        assert np.corrcoef(found.ravel().astype(float), ramp.ravel().astype(float))[0, 1] > 0.99
        assert found[-1].mean() > 250 and found[0, 0] == 0
        # and not, as Pillow's own conversion would have it, all but white
        assert (np.asarray(Image.fromarray(deep).convert("L")) == 255).mean() > 0.9

    def test_a_flat_picture_stays_finite(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "x.png", Image.fromarray(np.full((40, 40), 3000, np.uint16)))
        assert len(np.unique(read_radiograph(path, SIZE))) == 1

    def test_a_few_burnt_pixels_do_not_darken_the_rest(self, tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
        deep = ramp.astype(np.uint16) * 16
        deep[-1, -3:] = 65535
        found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(deep)), 64)
        assert found[40].mean() > 120

    def test_colour(self, tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
        """A 16-bit RGB PNG (Pillow cannot write one) keeps its high bytes."""
        rows = b"".join(b"\0" + b"".join(struct.pack(">3H", *([int(v) * 257] * 3)) for v in row) for row in ramp)

        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
        (tmp_path / "x.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        )
        assert np.abs(read_radiograph(tmp_path / "x.png", 64).astype(int) - ramp).max() <= 1


class TestShape:
    @pytest.mark.parametrize(("width", "height"), [(200, 50), (50, 200), (33, 64), (1, 1), (3000, 2)])
    @pytest.mark.parametrize("suffix", ["png", "jpg"])
    def test_always_a_square(self, tmp_path: Path, width: int, height: int, suffix: str) -> None:
        path = saved(tmp_path / f"x.{suffix}", Image.new("L", (width, height), 128))
        found = read_radiograph(path, SIZE)
        assert found.shape == (SIZE, SIZE) and np.abs(found.astype(int) - 128).max() <= 1

    def test_the_centre_is_cropped_not_squeezed(self, tmp_path: Path) -> None:
        picture = np.zeros((40, 120), np.uint8)
        picture[:, 40:80] = 255
        found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(picture)), 40)
        assert (found == 255).all()

    def test_the_whole_picture_between_black_bars(self, tmp_path: Path) -> None:
        wide = saved(tmp_path / "wide.png", Image.new("L", (80, 40), 200))
        found = read_radiograph(wide, 40, "pad")
        assert (found[10:30] == 200).all() and (found[:10] == 0).all() and (found[30:] == 0).all()
        tall = saved(tmp_path / "tall.png", Image.new("L", (3, 400), 200))
        assert (read_radiograph(tall, 40, "pad").any(axis=0)).sum() == 1  # never thinner than one pixel

    def test_bars_do_not_count_in_the_window(self, tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
        deep = np.repeat(np.linspace(1000, 3000, 40).astype(np.uint16)[:, None], 20, axis=1)
        found = read_radiograph(saved(tmp_path / "x.png", Image.fromarray(deep)), 40, "pad")
        picture = read_radiograph(saved(tmp_path / "y.png", Image.fromarray(deep.repeat(2, axis=1))), 40)
        assert np.array_equal(found[:, 15:25], picture[:, 15:25]) and not found[:, :10].any()

    def test_no_third_way(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="crop, pad"):
            read_radiograph(saved(tmp_path / "x.png", Image.new("L", (8, 8))), 4, "squeeze")  # type: ignore[arg-type]

    @pytest.mark.parametrize("suffix", ["png", "jpg"])
    def test_resampled_once_with_antialiasing(self, tmp_path: Path, suffix: str) -> None:
        """One-pixel stripes become their mean; and the result is that of one resampling of the full picture."""
        stripes = np.zeros((512, 512), np.uint8)
        stripes[:, ::2] = 254
        options = {"quality": 100} if suffix == "jpg" else {}
        path = saved(tmp_path / f"x.{suffix}", Image.fromarray(stripes), **options)
        assert np.abs(read_radiograph(path, 64).astype(int) - 127).max() <= 6
        noise = np.random.default_rng(0).integers(0, 255, (512, 512)).astype(np.uint8)
        path = saved(path, Image.fromarray(noise), **options)
        with Image.open(path) as image:
            wanted = np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC))
        assert np.array_equal(read_radiograph(path, 64), wanted)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_turned_upright(self, tmp_path: Path, ramp: NDArray[np.uint8], orientation: int) -> None:
        turns = (  # how a camera that notes this orientation has stored the scene
            lambda a: a,
            lambda a: a[:, ::-1],
            lambda a: a[::-1, ::-1],
            lambda a: a[::-1],
            lambda a: a.T,
            lambda a: np.rot90(a, 1),
            lambda a: a[::-1, ::-1].T,
            lambda a: np.rot90(a, -1),
        )
        ramp[:16, 48:] = 255  # so that no turn or mirror image looks like another
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(np.ascontiguousarray(turns[orientation - 1](ramp)))
        for suffix, options, within in (("png", {}, 0), ("jpg", {"quality": 100}, 8)):
            path = saved(tmp_path / f"x.{suffix}", stored, exif=exif, **options)
            assert np.abs(read_radiograph(path, 64).astype(int) - ramp).max() <= within


class TestRefused:
    def test_nothing_or_not_a_picture(self, tmp_path: Path) -> None:
        for content in (b"", b"<!DOCTYPE html><html>Not found</html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
            (tmp_path / "x.png").write_bytes(content)
            with pytest.raises(InputError, match="not a picture that can be decoded") as error:
                read_radiograph(tmp_path / "x.png", SIZE)
            assert str(tmp_path) not in str(error.value)

    def test_missing_or_a_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path / "none.png", tmp_path):
            with pytest.raises(InputError, match=r"not a picture|the file was gone"):
                read_radiograph(path, SIZE)

    @pytest.mark.parametrize("suffix", ["jpg", "png"])
    def test_cut_off(self, tmp_path: Path, suffix: str) -> None:
        noise = np.random.default_rng(0).integers(0, 255, (200, 200)).astype(np.uint8)
        whole = saved(tmp_path / f"x.{suffix}", Image.fromarray(noise)).read_bytes()
        for share in (0.3, 0.6, 0.9):
            (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
            with pytest.raises(InputError, match="not a picture"):
                read_radiograph(tmp_path / "cut", SIZE)

    @pytest.mark.parametrize("side", [9000, 12_000, 60_000])
    def test_a_bomb_is_refused_by_its_header(self, tmp_path: Path, side: int) -> None:
        """Only the header says how large it is: had the pixels been asked for, the error would be another."""

        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
        with pytest.raises(InputError, match=r"at most 50 megapixels|DecompressionBomb"):
            read_radiograph(tmp_path / "x.png", SIZE)

    def test_the_cap(self, tmp_path: Path) -> None:
        side = int(MAX_PIXELS**0.5)
        path = saved(tmp_path / "x.png", Image.new("1", (side, side), 1))
        assert (read_radiograph(path, SIZE) == 255).all()

    @pytest.mark.parametrize("form", ["gif", "bmp", "tiff", "webp", "eps"])
    def test_other_forms(self, tmp_path: Path, form: str) -> None:
        saved(tmp_path / f"x.{form}", Image.new("L", (40, 40), 90)).rename(tmp_path / "x.png")
        with pytest.raises(InputError, match="not a picture"):
            read_radiograph(tmp_path / "x.png", SIZE)

    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")
    def test_damage_of_any_kind_is_an_error_in_words(self, tmp_path: Path, ramp: NDArray[np.uint8]) -> None:
        """Bytes changed at random, also in the EXIF data and behind correct checksums."""
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "chest"
        draw, path, refused = random.Random(0), tmp_path / "x", 0
        for form, mode in (("PNG", "L"), ("PNG", "P"), ("JPEG", "L"), ("JPEG", "CMYK")):
            buffer = io.BytesIO()
            Image.fromarray(ramp).convert(mode).save(buffer, form, exif=exif)
            for _ in range(300):
                data = bytearray(buffer.getvalue())
                for _ in range(draw.choice((1, 3, 20))):
                    data[draw.randrange(min(len(data), draw.choice((100, 250, len(data)))))] = draw.randrange(256)
                path.write_bytes(with_checksums(bytes(data)) if form == "PNG" else bytes(data))
                try:
                    assert read_radiograph(path, SIZE).shape == (SIZE, SIZE)
                except InputError:
                    refused += 1
        assert refused > 100


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksum of what is in them."""
    made, start = data[:8], 8
    while start + 12 <= len(data):
        length = struct.unpack(">I", data[start : start + 4])[0]
        body = data[start + 4 : start + 8 + length]
        made += data[start : start + 4] + body + struct.pack(">I", zlib.crc32(body))
        start += 12 + length
    return made


class TestReal:
    def test_grey_png(self, real_data: Path) -> None:
        path = real_data / "full_size" / "00000001_000.png"
        with Image.open(path) as image:
            assert image.mode == "L"
            wanted = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC)).astype(float)
        found = read_radiograph(path, 224)
        assert np.abs(found - wanted).max() <= 1

    def test_full_size_jpeg(self, real_data: Path) -> None:
        path = real_data / "full_size" / "16747_3_1.jpg"
        found = read_radiograph(path, 224)
        with Image.open(path) as image:
            whole = image.convert("L")
        side = min(whole.size)
        left, top = (whole.width - side) / 2, (whole.height - side) / 2
        box = (left, top, left + side, top + side)
        assert np.array_equal(found, np.asarray(whole.resize((224, 224), Image.Resampling.BICUBIC, box)))
        assert found.std() > 20

    def test_every_picture_with_a_note(self, real_data: Path) -> None:
        paths = sorted((real_data / "case_notes" / "images").iterdir())
        assert len(paths) > 10
        for path in paths:
            for fit in ("crop", "pad"):
                found = read_radiograph(path, 128, fit)  # type: ignore[arg-type]
                assert found.shape == (128, 128) and found.std() > 20
