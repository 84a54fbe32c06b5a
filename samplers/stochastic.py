"""Which of ComfyUI's samplers inject noise, and so do not converge to one image as the step count grows."""

# ComfyUI's stochastic samplers that their name does not give away as ancestral or SDE methods.
_OTHERS = frozenset({"ddpm", "lcm", "seeds_2", "seeds_3", "sa_solver", "sa_solver_pece"})


def injects_noise(sampler_name: str) -> bool:
    """Return whether the sampler of this name adds fresh noise while it runs.

    Such a sampler converges in distribution: every step count gives another image of the same seed.
    """
    return "ancestral" in sampler_name or "sde" in sampler_name or sampler_name in _OTHERS
