"""The paths of the demo checkpoint: three safetensors files beside this one."""

from pathlib import Path

FOLDER = Path(__file__).parent
TRANSFORMER = FOLDER / "sweetspot_demo_transformer.safetensors"
AUTOENCODER = FOLDER / "sweetspot_demo_vae.safetensors"
TEXT_ENCODER = FOLDER / "sweetspot_demo_text_encoder.safetensors"

# ComfyUI scales a Flux latent z as (z - shift) * scale before the transformer sees it.
LATENT_SCALE, LATENT_SHIFT = 0.3611, 0.1159
# The autoencoder file's metadata holds, under this key, a linear map from the latent to mean colours, for previews.
LATENT_RGB_KEY = "sweetspot.latent_rgb"
