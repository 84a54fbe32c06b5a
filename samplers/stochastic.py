"""Which of ComfyUI's samplers inject noise and therefore don't converge to one image as the step count grows."""

from ..words import Message

# ComfyUI's stochastic samplers whose names don't show it: neither "ancestral" nor "sde".
_OTHERS = frozenset({"ddpm", "lcm", "seeds_2", "seeds_3", "sa_solver", "sa_solver_pece"})

# Measured on ComfyUI 0.33: these converge to one image and get closer to it with every doubling of the steps.
DETERMINISTIC = frozenset(
    {
        "euler",
        "euler_cfg_pp",
        "heun",
        "heunpp2",
        "exp_heun_2_x0",
        "dpm_2",
        "lms",
        "dpm_fast",
        "dpm_adaptive",
        "dpmpp_2m",
        "dpmpp_2m_cfg_pp",
        "ipndm",
        "ipndm_v",
        "deis",
        "res_multistep",
        "res_multistep_cfg_pp",
        "gradient_estimation",
        "gradient_estimation_cfg_pp",
        "ddim",
        "uni_pc",
        "uni_pc_bh2",
    }
)

# These choose their own steps between the schedule's first level and its last level above 0.
OWN_STEPS = frozenset({"dpm_adaptive", "dpm_fast"})


def injects_noise(sampler_name: str) -> bool:
    """Return whether the sampler of this name adds fresh noise while it runs.

    Such a sampler converges only in distribution: with the same seed, every step count gives a different image.
    """
    return "ancestral" in sampler_name or "sde" in sampler_name or sampler_name in _OTHERS


def why_no_sweet_spot(sampler_name: str) -> str:
    """Return why no step count of this sampler is a sweet spot; empty if one can be."""
    if injects_noise(sampler_name):
        never = "{sampler} injects noise: the image keeps changing with the step count and never settles."
        return Message("why.injects", never, {"sampler": sampler_name})
    if sampler_name in OWN_STEPS:
        own = "{sampler} chooses its own steps, whatever the step count says."
        return Message("why.own_steps", own, {"sampler": sampler_name})
    return ""


def why_not_settling(sampler_name: str) -> str:
    """Return why it's impossible to know when a run of this sampler has settled; empty if it is possible."""
    if injects_noise(sampler_name):
        return f"{sampler_name} injects noise, so its image never settles"
    if sampler_name in OWN_STEPS:
        return f"{sampler_name} chooses its own steps"
    if sampler_name not in DETERMINISTIC:
        return f"{sampler_name or 'this sampler'} is not known to be deterministic"
    return ""
