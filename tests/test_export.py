"What is exported computes the same in programs that know nothing of sslkit: the printed lines are run as they stand, in a process of their own."
import subprocess
import sys
import textwrap

import pytest
import torch

from sslkit.parts.encoders import encoder
from sslkit.tool.encoder import Encoder
from sslkit.tool.export import export_encoder

NETS = dict(convnet=lambda: Encoder(encoder("convnet", widths=(8, 16), channels=1), size=20), small_resnet=lambda: Encoder(encoder("resnet18", stem="cifar"), size=32),
            resnet=lambda: Encoder(encoder("resnet18", stem="default"), size=64), torchvision=lambda: Encoder(encoder("torchvision/resnet18", stem="cifar"), size=32),
            vit=lambda: Encoder(encoder("vit", image_size=16, dim=32, depth=2), size=16), mean_vit=lambda: Encoder(encoder("vit", image_size=16, dim=32, depth=2, pool="mean", positions="sincos"), size=16),
            timm_vit=lambda: Encoder(encoder("vit_tiny_patch16_224", image_size=32, depth=2, patch_size=8), size=32))
WAYS = [(name, to) for name in NETS for to in ("timm", "torch", "onnx") if not (name == "convnet" and to == "timm") and not (name in ("resnet", "torchvision", "mean_vit", "timm_vit") and to != "timm")]


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    "For every net and format, how far what the lines compute is from what the encoder computes; all in one process, as importing is dear."
    folder = tmp_path_factory.mktemp("exports")
    program, wanted = ["import sys, torch"], {}
    for name, to in WAYS:
        if to == "onnx": pytest.importorskip("onnxruntime"); pytest.importorskip("onnxscript")
        torch.manual_seed(0)
        net = NETS[name]().eval()
        for m in net.modules():                                      # statistics that differ from those at the start
            if isinstance(m, torch.nn.BatchNorm2d): m.running_mean.uniform_(-0.5, 0.5); m.running_var.uniform_(0.5, 2)
            if isinstance(m, torch.nn.LayerNorm): torch.nn.init.uniform_(m.weight, 0.5, 2); torch.nn.init.uniform_(m.bias, -1, 1)
        found = export_encoder(net, to, folder / f"{name}_{to}{dict(timm='.safetensors', torch='.pt2', onnx='.onnx')[to]}")
        x = torch.rand(7, len(net.network.pixels.mean), net.size, net.size)
        torch.save(x, folder / f"{name}_{to}_x")
        with torch.no_grad(): wanted[name, to] = net(x)
        program += [f"x = torch.load('{name}_{to}_x')", "with torch.no_grad():", textwrap.indent(found.lines, "    "), f"torch.save(z, '{name}_{to}_z')"]
    program.append("assert not [m for m in sys.modules if m.startswith('sslkit')]")
    done = subprocess.run([sys.executable, "-c", "\n".join(program)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
    return {way: ((torch.load(folder / f"{way[0]}_{way[1]}_z") - z).abs().max() / z.abs().max()).item() for way, z in wanted.items()}


@pytest.mark.parametrize("name, to", WAYS)
def test_the_same_outputs_without_sslkit(outside, name, to): assert outside[name, to] < 1e-4


def test_weights_of_a_safetensors_file_load_in_plain_torchvision(tmp_path):
    net = NETS["torchvision"]().eval()
    file = export_encoder(net, "safetensors", tmp_path / "e.safetensors").path
    import torchvision
    from safetensors.torch import load_file
    plain = torchvision.models.resnet18()
    plain.conv1, plain.maxpool, plain.fc = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False), torch.nn.Identity(), torch.nn.Identity()
    plain.load_state_dict({k.removeprefix("network."): v for k, v in load_file(file).items() if k.startswith("network.")})
    x = torch.rand(2, 3, 32, 32)
    normal = (x - net.network.pixels.mean) / net.network.pixels.std
    with torch.no_grad(): assert torch.allclose(plain.eval()(normal), net(x), atol=1e-4)


def test_a_file_that_computes_something_else_is_not_handed_over(tmp_path, monkeypatch):
    from sslkit.core.errors import InputError
    from sslkit.tool import export
    monkeypatch.setattr(export, "_normalise", lambda found: "x = x")
    with pytest.raises(InputError, match="computes something else than the encoder"): export_encoder(NETS["vit"]().eval(), "timm", tmp_path / "e.safetensors")
    assert not list(tmp_path.iterdir())
