"""The prompts of `real_size.py`: stock nodes, and the pack's, for the same pictures of one model."""

from collections.abc import Sequence
from typing import Any

from executor import SINK, SUBJECT

Prompt = dict[str, Any]


class Prompts:
    """Makes prompts for one model at one size; each one has a seed of its own, so that nothing is cached.

    Args:
        name: the model's name.
        side: height and width.
        cfg: guidance scale.
    """

    def __init__(self, name: str, side: int, cfg: float) -> None:
        self._subject = {"class_type": SUBJECT, "inputs": {"name": name, "side": side}}
        self.side = side
        self._cfg, self._seed = cfg, 0

    def stock(self, steps: int) -> Prompt:
        """Return one stock KSampler."""
        return self._sampled("KSampler", steps)

    def aware(self, steps: int, **inputs: Any) -> Prompt:
        """Return one Step-Aware Sampler."""
        return self._sampled("SweetSpotSampler", steps, **inputs)

    def stock_pictures(self, counts: Sequence[int]) -> Prompt:
        """Return a stock KSampler, VAE Decode and Preview Image for each count, from the same noise."""
        inputs = self._inputs()
        prompt = {"subject": self._subject}
        for steps in counts:
            prompt[f"sampled {steps}"] = {"class_type": "KSampler", "inputs": inputs | {"steps": steps}}
            decoding = {"samples": [f"sampled {steps}", 0], "vae": ["subject", 4]}
            prompt[f"decoded {steps}"] = {"class_type": "VAEDecode", "inputs": decoding}
            shown = {"images": [f"decoded {steps}", 0]}
            prompt[f"shown {steps}"] = {"class_type": "PreviewImage", "inputs": shown}
        return prompt

    def compare(self, steps: str, *, again: bool = False, **options: Any) -> Prompt:
        """Return one Multi-Step Compare without the check of its reference.

        Args:
            steps: the step list.
            again: whether to take the same seed as the last prompt.
            options: of Compare Options.
        """
        inputs = self._inputs(again=again) | {"steps": steps, "vae": ["subject", 4], "options": ["options", 0]}
        return {
            "subject": self._subject,
            "options": {"class_type": "SweetSpotCompareOptions", "inputs": {"check": "off"} | options},
            "compare": {"class_type": "SweetSpotCompare", "inputs": inputs},
        }

    def wire(self, steps: str, own: int) -> Prompt:
        """Return one Compare This Workflow behind a stock workflow of `own` steps."""
        inputs = {"images": ["decoded", 0], "steps": steps, "options": ["options", 0]}
        return {
            "subject": self._subject,
            "options": {"class_type": "SweetSpotCompareOptions", "inputs": {"check": "off"}},
            "sampled": {"class_type": "KSampler", "inputs": self._inputs() | {"steps": own}},
            "decoded": {"class_type": "VAEDecode", "inputs": {"samples": ["sampled", 0], "vae": ["subject", 4]}},
            "compare": {"class_type": "SweetSpotCompareWorkflow", "inputs": inputs},
        }

    def _sampled(self, kind: str, steps: int, **inputs: Any) -> Prompt:
        return {
            "subject": self._subject,
            "sampled": {"class_type": kind, "inputs": self._inputs() | {"steps": steps} | inputs},
            "sink": {"class_type": SINK, "inputs": {"latent": ["sampled", 0]}},
        }

    def _inputs(self, *, again: bool = False) -> dict[str, Any]:
        self._seed += not again
        return {
            "model": ["subject", 0],
            "positive": ["subject", 1],
            "negative": ["subject", 2],
            "latent_image": ["subject", 3],
            "seed": self._seed,
            "cfg": self._cfg,
            "sampler_name": "euler",
            "scheduler": "simple",
            "denoise": 1.0,
        }
