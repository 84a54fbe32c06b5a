"""ComfyUI's own solvers judge ours, on a denoiser with a closed form."""

import json
import subprocess

import pytest
import torch
from sweetspot.samplers.lockstep import sample_lockstep
from sweetspot.samplers.solvers import SOLVERS

STOCK = """
import json, sys
sys.argv = ["main.py", "--cpu"]
sys.path.insert(0, {folder!r})
import comfy.options
comfy.options.enable_args_parsing()
import torch
from comfy.k_diffusion import sampling

class Inner:
    class model_patcher:
        @staticmethod
        def get_model_object(name):
            return None

class Model:
    inner_model = Inner()
    def __call__(self, x, sigma, **_):
        sigma = sigma.view(-1, 1)
        return 0.7 + 0.25 / (0.25 + sigma**2) * torch.tanh(x - 0.7)

given = json.loads(sys.stdin.read())
x = torch.tensor(given["x"], dtype=torch.float64)
sigmas = torch.tensor(given["sigmas"], dtype=torch.float64)
reached = {{name: getattr(sampling, "sample_" + name)(Model(), x.clone(), sigmas, disable=True).tolist()
           for name in given["solvers"]}}
print(json.dumps(reached))
"""


def denoise(x, sigma):
    sigma = sigma.view(-1, *[1] * (x.ndim - 1))
    return 0.7 + 0.25 / (0.25 + sigma**2) * torch.tanh(x - 0.7)


@pytest.fixture(scope="module")
def given() -> dict:
    ramp = torch.linspace(0, 1, 12, dtype=torch.float64)
    sigmas = [*((14.6 ** (1 / 7) + ramp * (0.03 ** (1 / 7) - 14.6 ** (1 / 7))) ** 7).tolist(), 0.0]
    x = (14.6 * torch.randn(2, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)).tolist()
    return {"x": x, "sigmas": sigmas, "solvers": list(SOLVERS)}


@pytest.fixture(scope="module")
def stock(installation, given) -> dict[str, torch.Tensor]:
    answer = subprocess.run(
        [installation.python, "-c", STOCK.format(folder=str(installation.folder))],
        input=json.dumps(given),
        cwd=installation.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in found.items()}


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_solver_reaches_what_comfyuis_own_reaches(stock, given, solver: str):
    x, sigmas = (torch.tensor(given[name], dtype=torch.float64) for name in ("x", "sigmas"))
    (reached,) = sample_lockstep(denoise, x, [sigmas], solver)
    assert torch.allclose(reached, stock[solver], rtol=1e-10, atol=1e-12)
