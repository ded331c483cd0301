"""timm and torchxrayvision: features as the library's own, recipes, sides, weights from nothing, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torchxrayvision import models
from torchxrayvision import utils as library

from core.config.encoders import TowerConfig, resolve_encoder
from core.encoders import Encoder, load_encoder
from core.errors import ConfigError, WeightsMissing
from core.towers import timm as family
from core.towers.base import fingerprint
from tests.hub import serving
from tests.test_encoders import noise
from tests.towers.repositories import RESNET, VIT, poison, randomised

CPU = torch.device("cpu")


def encoder(key: str, **image: Any) -> Encoder:
    config = resolve_encoder(key)
    return load_encoder(config.replace(image=config.image.replace(**image)), CPU)


class TestTimm:
    @pytest.mark.parametrize("name", [RESNET, VIT])
    def test_it_is_the_librarys(self, hub_root: Path, name: str) -> None:
        folder = hub_root / "timm" / name
        made = encoder(f"timm:{folder}")
        model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
        cfg = timm.data.resolve_model_data_config(model)
        assert made.image.recipe.side == cfg["input_size"][-1] == 160
        assert made.image.recipe.mean == tuple(cfg["mean"]) and made.image.recipe.std == tuple(cfg["std"])
        images = noise(3, 160, 160)
        transform = timm.data.create_transform(**cfg | {"crop_pct": 1.0}, is_training=False)
        from PIL import Image

        pixels = torch.stack([transform(Image.fromarray(one).convert("RGB")) for one in images])  # type: ignore[misc]
        with torch.no_grad():
            wanted = model(pixels).numpy()
        assert np.allclose(made.embed_images(images), wanted, rtol=1e-4, atol=1e-5)
        assert made.image_width == wanted.shape[1] == model.num_features

    @pytest.mark.parametrize("name", [RESNET, VIT])
    def test_another_side(self, hub_root: Path, name: str) -> None:
        """A transformer's positions are stretched; what does not fit its patches is refused."""
        made = encoder(f"timm:{hub_root / 'timm' / name}", side=96)
        assert made.image.prepare(torch.zeros(1, 1, 160, 160)).shape[-1] == 96
        found = made.embed_images(noise(2, 96, 96))
        assert found.shape == (2, made.image_width) and np.isfinite(found).all()

    def test_a_side_that_does_not_fit(self, hub_root: Path) -> None:
        with pytest.raises(ConfigError, match=r"cannot read images of side 100 .*multiple of the model's patches"):
            encoder(f"timm:{hub_root / 'timm' / VIT}", side=100)

    def test_from_nothing_is_always_the_same(self) -> None:
        """From seed 0, whatever was drawn before; and the generator goes on as if nothing had been drawn."""
        config = TowerConfig(family="timm", name="test_resnet", pretrained="random")
        torch.manual_seed(0)
        one = family.load(config)
        torch.manual_seed(5)
        state = torch.get_rng_state()
        other = family.load(config)
        assert torch.equal(state, torch.get_rng_state())
        assert fingerprint(one) == fingerprint(other)
        torch.manual_seed(0)
        assert torch.equal(one.model.conv1[0].weight, timm.create_model("test_resnet").conv1[0].weight)

    def test_it_reads_in_channels_last(self) -> None:
        made = family.load(TowerConfig(family="timm", name="test_resnet", pretrained="random"))
        weight = made.model.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)

    @pytest.mark.parametrize(
        ("key", "told"),
        [
            ("timm:resnet5000", r"timm has no model 'resnet5000'. Some of its names: .*resnet"),
            ("timm:zzz/random", r"timm has no model 'zzz'. See timm.list_models"),
            ("timm:resnet50.nope", r"timm has no weights 'nope' for 'resnet50'. It has: .*a1_in1k"),
        ],
    )
    def test_names(self, key: str, told: str) -> None:
        with pytest.raises(WeightsMissing, match=told):
            encoder(key)

    @pytest.mark.parametrize("name", ["org/name", "hf-hub:org/name"])
    def test_a_repository(self, name: str) -> None:
        with pytest.raises(WeightsMissing, match="`hf download org/name`"):
            encoder(f"timm:{name}")

    @pytest.mark.parametrize("damage", ["no weights", "other weights", "a pickle", "no config", "torn"])
    def test_what_does_not_load(self, copied: Callable[[str], Path], damage: str) -> None:
        folder = copied(f"timm/{RESNET}")
        weights = folder / "model.safetensors"
        if damage == "a pickle":
            poison(folder)
        elif damage == "torn":
            weights.write_bytes(weights.read_bytes()[:5000])
        elif damage == "other weights":
            save_file({"a": torch.ones(2)}, weights)
        else:
            (weights if damage == "no weights" else folder / "config.json").unlink()
        with pytest.raises(WeightsMissing, match=f"folder {RESNET} does not load as a timm model") as error:
            encoder(f"timm:{folder}")
        assert "config.json of timm's form and model.safetensors" in str(error.value)
        assert not (folder / "ran").exists()


@pytest.fixture(scope="module")
def densenet() -> models.DenseNet:
    torch.manual_seed(0)
    return randomised(models.DenseNet(), by=0.02)


class TestXrv:
    def keep(self, model: models.DenseNet, folder: Path, form: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("a.safetensors" if form == "safetensors" else "a.pt")
        if form == "safetensors":
            save_file(model.state_dict(), path)
        else:
            what = model.state_dict() if form == "state" else model
            torch.save(what, path, _use_new_zipfile_serialization=form != "as released")
        return path

    @pytest.mark.parametrize("form", ["as released", "module", "state", "safetensors"])
    def test_it_is_the_librarys(self, densenet: models.DenseNet, tmp_path: Path, form: str) -> None:
        path = self.keep(densenet, tmp_path / "w", form)
        made = encoder(f"xrv:{path if form == 'state' else path.parent}")
        images = noise(2, 224, 224)
        grey = np.stack([library.normalize(one, 255, reshape=True) for one in images])
        with torch.no_grad():
            wanted = densenet.features2(torch.from_numpy(grey)).numpy()
        found = made.embed_images(images)
        assert found.shape == wanted.shape == (2, 1024) and not made.aligned
        assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()

    def test_its_own_range(self) -> None:
        made = encoder("xrv:x/random").image
        pixels = torch.tensor([0.0, 127.5, 255.0, 255.0]).view(1, 1, 2, 2).repeat_interleave(112, 2)
        found = made.prepare(pixels.repeat_interleave(112, 3))
        assert found.shape == (1, 1, 224, 224)
        assert found.unique().tolist() == pytest.approx([-1024, 0, 1024])
        assert made.recipe.side == 224 and made.width == 1024

    def test_from_nothing(self) -> None:
        assert encoder("xrv:x/random").image_weights == encoder("xrv:x/random").image_weights

    def test_the_release(self, densenet: models.DenseNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fetched once, to where the library itself looks for it; and when it cannot be had, which file goes where."""
        self.keep(densenet, tmp_path / "root/org/model", "as released")
        kept = tmp_path / "kept"
        monkeypatch.setattr(library, "get_cache_dir", lambda: str(kept))
        told = models.model_urls["densenet121-res224-nih"]
        with serving(tmp_path / "root") as address:
            monkeypatch.setitem(told, "weights_url", f"{address}/org/model/resolve/main/a.pt")
            first = encoder("xrv:densenet121-res224-nih").image_weights
        assert encoder("xrv:densenet121-res224-nih").image_weights == first  # the hub is gone
        (kept / "a.pt").unlink()
        with pytest.raises(WeightsMissing, match=r"'densenet121-res224-nih' are not on this machine") as error:
            encoder("xrv:densenet121-res224-nih")
        for word in (f"{address}/org/model/resolve/main/a.pt", f"copy it to {kept / 'a.pt'}", "xrv:/folder", "'lite'"):
            assert word in str(error.value)
        with serving(tmp_path / "root") as address:
            monkeypatch.setitem(told, "weights_url", f"{address}/org/model/resolve/main/b.pt")
            with pytest.raises(WeightsMissing, match="HTTP Error 404"):
                encoder("xrv:densenet121-res224-nih")
        assert not list(kept.iterdir())

    def test_names(self) -> None:
        with pytest.raises(
            WeightsMissing, match=r"no DenseNet121 'resnet50-res512-all'. It has: densenet121-res224-all"
        ):
            encoder("xrv:resnet50-res512-all")

    def test_which_file(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing, match=r"should hold one file.*there is none of that kind"):
            encoder(f"xrv:{tmp_path}")
        for name in ("a.pt", "b.pt"):
            (tmp_path / name).touch()
        with pytest.raises(WeightsMissing, match=r"there is a.pt, b.pt. Name the file"):
            encoder(f"xrv:{tmp_path}")

    @pytest.mark.parametrize("damage", ["a pickle", "other weights", "torn", "half"])
    def test_what_does_not_load(self, densenet: models.DenseNet, tmp_path: Path, damage: str) -> None:
        path = self.keep(densenet, tmp_path / "w", "as released")
        if damage == "a pickle":
            path = poison(path.parent).parent / "pytorch_model.bin"
            path = path.rename(path.with_name("a.pt"))
        elif damage == "torn":
            path.write_bytes(path.read_bytes()[:-4000])
        else:
            state = {name: one for name, one in densenet.state_dict().items() if "denselayer" in name}
            torch.save(state if damage == "half" else {"a": torch.ones(3)}, path)
        with pytest.raises(WeightsMissing, match=r"a.pt does not load as torchxrayvision's DenseNet121") as error:
            encoder(f"xrv:{path}")
        assert not (path.parent / "ran").exists() and "one file of its weights" in str(error.value)
