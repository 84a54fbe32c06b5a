"""Small state-dict layouts that ComfyUI 0.33.0 recognises as one given model class each.

Every layout lists only the keys which tell a model apart (and the blocks that are counted, at their real
counts) with the shapes of the real model, in the key names of the original file and without the prefix
("model.diffusion_model." and the like) which such a file puts before them.  ``state_dict`` turns a layout
into tensors on the meta device, so nothing is allocated; only the few keys in ``values`` hold real numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import torch

Shape = tuple[int, ...]
Keys = dict[str, Shape]


@dataclass(frozen=True)
class Layout:
    """The telling keys of one checkpoint.

    ``architecture`` is the class of comfy.supported_models that the keys lead to ("" for none).  ``prefix``
    is what the whole published checkpoint puts before the keys ("" for a file of the diffusion model
    alone).  ``root`` names the keys that such a checkpoint keeps outside the prefix.  A key in ``values``
    holds real numbers: v for a single number, else +v, -v, +v ... so that its deviation is v.
    """

    architecture: str
    keys: Keys
    metadata: dict[str, str] | None = None
    prefix: str = ""
    values: dict[str, float] = field(default_factory=dict)
    root: tuple[str, ...] = ()


def state_dict(layout: Layout, prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a layout, with ``prefix`` before all the keys that are not in ``layout.root``."""
    result = {}
    for key, shape in layout.keys.items():
        if key in layout.values:
            value = layout.values[key]
            tensor = torch.full(shape, value)
            tensor.view(-1)[1::2] = -value
        else:
            tensor = torch.empty(shape, device="meta")
        result[key if key in layout.root else prefix + key] = tensor
    return result


def blocks(prefix: str, count: int, names: Keys, start: int = 0) -> Keys:
    """The same names below prefix.0, prefix.1, ... of ``count`` blocks."""
    return {f"{prefix}.{i}.{name}": shape for i in range(start, start + count) for name, shape in names.items()}


def config(**transformer: object) -> dict[str, str]:
    """The safetensors metadata in which Lightricks-style files carry their settings."""
    return {"config": json.dumps({"transformer": transformer})}


def unet(  # noqa: C901 - a UNet's levels, down and up
    width: int,
    mult: Shape,
    depth: Shape,
    context: int,
    linear: bool,
    adm: int | None = None,
    inputs: int = 4,
    outputs: int = 4,
    middle: int = 1,
    video: bool = False,
    resnets: int = 2,
) -> Keys:
    """An LDM UNet with ``resnets`` residual blocks per level; ``depth`` counts a level's transformer blocks."""
    keys: Keys = {"input_blocks.0.0.weight": (width, inputs, 3, 3), "out.2.weight": (outputs, width, 3, 3)}
    if adm is not None:
        keys["label_emb.0.0.weight"] = (4 * width, adm)

    def attention(at: str, c: int, count: int) -> None:
        if count:
            keys[f"{at}.proj_in.weight"] = (c, c) if linear else (c, c, 1, 1)
        keys.update(blocks(f"{at}.transformer_blocks", count, {"attn2.to_k.weight": (c, context)}))
        if count and video:
            keys.update({f"{at}.time_stack.0.attn{i}.to_q.weight": (c, c) for i in (1, 2)})

    def resnet(at: str, c_in: int, c: int) -> None:
        keys.update({f"{at}.in_layers.0.weight": (c_in,), f"{at}.out_layers.3.weight": (c, c, 3, 3)})

    skips, c, n = [width], width, 1
    for level, (m, d) in enumerate(zip(mult, depth, strict=True)):
        for _ in range(resnets):
            resnet(f"input_blocks.{n}.0", c, m * width)
            c = m * width
            attention(f"input_blocks.{n}.1", c, d)
            skips.append(c)
            n += 1
        if level < len(mult) - 1:
            keys[f"input_blocks.{n}.0.op.weight"] = (c, c, 3, 3)
            skips.append(c)
            n += 1
    resnet("middle_block.0", c, c)
    attention("middle_block.1", c, middle)
    n = 0
    for m, d in zip(mult[::-1], depth[::-1], strict=True):
        for _ in range(resnets + 1):
            resnet(f"output_blocks.{n}.0", c + skips.pop(), m * width)
            c = m * width
            attention(f"output_blocks.{n}.1", c, d)
            n += 1
    return keys


LDM = "model.diffusion_model."
SD2_NORM = "output_blocks.11.1.transformer_blocks.0.norm1.bias"


def sd1(inputs: int = 4) -> Keys:
    return unet(320, (1, 2, 4, 4), (1, 1, 1, 0), 768, False, inputs=inputs)


def sd2(adm: int | None = None, inputs: int = 4) -> Keys:
    return unet(320, (1, 2, 4, 4), (1, 1, 1, 0), 1024, True, adm, inputs) | {SD2_NORM: (320,)}


def sdxl(inputs: int = 4) -> Keys:
    return unet(320, (1, 2, 4), (0, 2, 10), 2048, True, 2816, inputs, middle=10)


def svd(adm: int) -> Keys:
    return unet(320, (1, 2, 4, 4), (1, 1, 1, 0), 1024, True, adm, 8, video=True)


def marked(architecture: str, keys: Keys, root: Keys, values: dict[str, float] | None = None) -> Layout:
    """An LDM checkpoint with some keys outside the diffusion model."""
    return Layout(architecture, keys | root, prefix=LDM, values=values or {}, root=tuple(root))


def sd3(depth: int, self_attention: int = 0, qk_norm: bool = True, positions: int = 192) -> Keys:
    w = 64 * depth
    return {
        "pos_embed": (1, positions**2, w),
        "x_embedder.proj.weight": (w, 16, 2, 2),
        "y_embedder.mlp.0.weight": (w, 2048),
        "context_embedder.weight": (w, 4096),
        "final_layer.linear.weight": (64, w),
        **blocks("joint_blocks", depth, {"context_block.attn.qkv.weight": (3 * w, w)}),
        **(blocks("joint_blocks", depth, {"context_block.attn.ln_q.weight": (64,)}) if qk_norm else {}),
        **blocks("joint_blocks", self_attention, {"x_block.attn2.qkv.weight": (3 * w, w)}),
    }


def cascade_b(width: int, hidden: int) -> Keys:
    return {
        "clf.1.weight": (16, 320, 1, 1),
        "clip_mapper.weight": (5120, 1280),
        "embedding.1.weight": (320, 16, 1, 1),
        **blocks("down_blocks.1", 2, {"channelwise.0.weight": (4 * width, width)}),
        "effnet_mapper.0.weight": (hidden, 16, 1, 1),
        "seq_norm.weight": (1280,),
    }


def cascade_c(width: int) -> Keys:
    return {
        "clf.1.weight": (16, width, 1, 1),
        "clip_txt_mapper.weight": (width, 1280),
        "clip_txt_pooled_mapper.weight": (4 * width, 1280),
        "clip_img_mapper.weight": (4 * width, 768),
        "embedding.1.weight": (width, 16, 1, 1),
        "down_blocks.0.0.channelwise.0.weight": (4 * width, width),
    }


def pixart(tokens: int, side: int) -> Keys:
    return {
        "t_block.1.weight": (6912, 1152),
        "x_embedder.proj.weight": (1152, 4, 2, 2),
        "y_embedder.y_embedding": (tokens, 4096),
        "pos_embed": (1, side**2, 1152),
        **blocks("blocks", 28, {"attn.qkv.weight": (3456, 1152)}),
    }


def hydit(extra: int) -> Keys:
    return {
        "mlp_t5.0.weight": (8192, 2048),
        "x_embedder.proj.weight": (1408, 4, 2, 2),
        "extra_embedder.0.weight": (5632, extra),
        **blocks("blocks", 40, {"attn1.Wqkv.weight": (4224, 1408)}),
    }


def flux(
    hidden: int, image: int, text: int, double: int, single: int, guidance: bool = False, vector: bool = False
) -> Keys:
    norm = {"img_attn.norm.key_norm.scale": (128,)}
    return {
        "img_in.weight": (hidden, image),
        "txt_in.weight": (hidden, text),
        **({"vector_in.in_layer.weight": (hidden, 768)} if vector else {}),
        **({"guidance_in.in_layer.weight": (hidden, 256)} if guidance else {}),
        **blocks("double_blocks", double, norm),
        **blocks("single_blocks", single, {"norm.key_norm.scale": (128,)}),
    }


def flux2(hidden: int, text: int, double: int, single: int, guidance: bool = False) -> Keys:
    shared = {"double_stream_modulation_img.lin.weight": (6 * hidden, hidden)}
    return flux(hidden, 128, text, double, single, guidance) | shared


def chroma(pixels: bool = False) -> Keys:
    base = flux(3072, 64, 4096, 19, 38)
    guide = {
        "distilled_guidance_layer.in_proj.weight": (5120, 64),
        **blocks("distilled_guidance_layer.norms", 5, {"scale": (5120,)}),
    }
    if not pixels:
        return base | guide
    del base["img_in.weight"]
    return (
        base
        | guide
        | {
            "img_in_patch.weight": (3072, 3, 16, 16),
            "nerf_final_layer_conv.norm.scale": (64,),
            **blocks("nerf_blocks", 4, {"norm.scale": (64,)}),
        }
    )


def ovis() -> Keys:
    return (
        flux(3072, 64, 2048, 6, 27)
        | {"txt_norm.weight": (2048,)}
        | blocks("double_blocks", 6, {"img_mlp.gate_proj.weight": (12288, 3072)})
    )


def lumina(dim: int, text: int, layers: int, head: int) -> Keys:
    return {
        "cap_embedder.1.weight": (dim, text),
        "x_embedder.weight": (dim, 64),
        **blocks("noise_refiner", 2, {"attention.k_norm.weight": (head,)}),
        **blocks("layers", layers, {"attention.k_norm.weight": (head,), "ffn_norm1.weight": (dim,)}),
    }


def qwen(hidden: int, image: int, text: int, layers: int) -> Keys:
    return {
        "txt_norm.weight": (text,),
        "txt_in.weight": (hidden, text),
        "img_in.weight": (hidden, image),
        "proj_out.weight": (image, hidden),
        **blocks("transformer_blocks", layers, {"attn.norm_added_q.weight": (128,)}),
    }


def hunyuan(
    hidden: int, channels: int, patch: Shape, out: int, text: int, double: int, single: int, **flags: bool
) -> Keys:
    """Hunyuan Video and its relatives; flags: vector, guidance, time_r, byt5, vision."""
    optional: dict[str, Keys] = {
        "vector": {"vector_in.in_layer.weight": (hidden, 768)},
        "guidance": {"guidance_in.mlp.0.weight": (hidden, 256)},
        "time_r": {"time_r_in.mlp.0.weight": (hidden, 256)},
        "byt5": {"byt5_in.layernorm.weight": (1472,), "byt5_in.fc1.weight": (2048, 1472)},
        "vision": {"vision_in.proj.0.weight": (1152,), "cond_type_embedding.weight": (3, hidden)},
    }
    volume = 1
    for p in patch:
        volume *= p
    keys: Keys = {
        "img_in.proj.weight": (hidden, channels, *patch),
        "final_layer.linear.weight": (out * volume, hidden),
        "txt_in.input_embedder.weight": (hidden, text),
        **blocks("txt_in.individual_token_refiner.blocks", 2, {"norm1.weight": (hidden,)}),
        **blocks("double_blocks", double, {"img_attn_q_norm.weight": (128,)}),
        **blocks("single_blocks", single, {"q_norm.weight": (128,)}),
    }
    for name, wanted in flags.items():
        keys |= optional[name] if wanted else {}
    return keys


def hunyuan_video(channels: int) -> Keys:
    return hunyuan(3072, channels, (1, 2, 2), 16, 4096, 20, 40, vector=True, guidance=True)


def ltx(dim: int, layers: int, text: int, ada: int = 6) -> Keys:
    return {
        "adaln_single.emb.timestep_embedder.linear_1.bias": (dim,),
        "adaln_single.linear.weight": (ada * dim, dim),
        "patchify_proj.weight": (dim, 128),
        "proj_out.weight": (128, dim),
        **blocks("transformer_blocks", layers, {"attn2.to_k.weight": (dim, text)}),
    }


def ltxav(ada: int) -> Keys:
    return ltx(4096, 48, 4096, ada) | {
        "audio_adaln_single.linear.weight": (2048 * ada, 2048),
        "audio_patchify_proj.weight": (2048, 128),
    }


def ltxav_prompt() -> Keys:
    tables = {"prompt_scale_shift_table": (2, 4096), "audio_prompt_scale_shift_table": (2, 2048)}
    return ltxav(9) | blocks("transformer_blocks", 48, tables)


WAN_5B, WAN_14B, WAN_1B = (3072, 14336, 30), (5120, 13824, 40), (1536, 8960, 30)


def wan(size: Shape, channels: int = 16, out: int = 16, image: bool = False, **extra: Shape) -> Keys:
    """A Wan model; ``extra`` names single keys, with "__" for each dot."""
    dim, ffn, layers = size
    return {
        "head.modulation": (1, 2, dim),
        "head.head.weight": (4 * out, dim),
        "patch_embedding.weight": (dim, channels, 1, 2, 2),
        **blocks("blocks", layers, {"ffn.0.weight": (ffn, dim)}),
        **({"img_emb.proj.0.bias": (1280,)} if image else {}),
        **{name.replace("__", "."): shape for name, shape in extra.items()},
    }


def vace(size: Shape, layers: int) -> Keys:
    return wan(size, vace_patch_embedding__weight=(size[0], 96, 1, 2, 2)) | blocks(
        "vace_blocks", layers, {"after_proj.weight": (size[0], size[0])}
    )


def cosmos(dim: int, layers: int, channels: int) -> Keys:
    return {
        "x_embedder.proj.1.weight": (dim, 4 * (channels + 1)),
        **{f"blocks.block{i}.blocks.0.block.attn.to_q.0.weight": (dim, dim) for i in range(layers)},
    }


def predict2(dim: int, layers: int, channels: int) -> Keys:
    return {
        "x_embedder.proj.1.weight": (dim, 4 * (channels + 1)),
        **blocks("blocks", layers, {"mlp.layer1.weight": (4 * dim, dim)}),
    }


def cogvideo(dim: int, layers: int, patch: Shape, **extra: Shape) -> Keys:
    return {
        "patch_embed.proj.weight": (dim, *patch),
        "patch_embed.text_proj.weight": (dim, 4096),
        **blocks("blocks", layers, {"norm1.linear.weight": (6 * dim, 512)}),
        **{name.replace("__", "."): shape for name, shape in extra.items()},
    }


def kandinsky(dim: int, time: int, channels: int, text_blocks: int, layers: int) -> Keys:
    return {
        "visual_embeddings.in_layer.weight": (dim, channels),
        "visual_embeddings.in_layer.bias": (dim,),
        "time_embeddings.in_layer.bias": (time,),
        **blocks("text_transformer_blocks", text_blocks, {"self_attention.key_norm.weight": (128,)}),
        **blocks(
            "visual_transformer_blocks",
            layers,
            {
                "cross_attention.key_norm.weight": (64 if dim == 1792 else 128,),
                "feed_forward.in_layer.weight": (4 * dim, dim),
            },
        ),
    }


def seedvr(dim: int, layers: int, mlp: str, conditioned: bool = True) -> Keys:
    """``mlp`` names the telling projection (detection looks at the last block's only)."""
    text = {"positive_conditioning": (58, 5120), "negative_conditioning": (64, 5120)} if conditioned else {}
    wide = 4 * dim if mlp.startswith("vid") else 6912
    shape = (dim, wide) if mlp.endswith("proj_out.weight") else (wide, dim)
    return blocks("blocks", layers, {f"mlp.{mlp}": shape}) | text


def hunyuan3d(hidden: int, double: int, single: int, guidance: bool = False) -> Keys:
    return {
        "latent_in.weight": (hidden, 64),
        "cond_in.weight": (hidden, 1536),
        **blocks("double_blocks", double, {"img_attn.norm.key_norm.scale": (64,)}),
        **blocks("single_blocks", single, {"norm.key_norm.scale": (64,)}),
        **({"guidance_in.in_layer.weight": (hidden, 256)} if guidance else {}),
    }


def pid(channels: int, gates: int, v15: bool = False) -> Keys:
    gate = {"content_proj.weight": (1 if v15 else 1536, 3072), "log_alpha": ()}
    return {
        "lq_proj.latent_proj.0.weight": (512, channels, 3, 3),
        "pixel_embedder.proj.weight": (16, 3),
        **blocks("lq_proj.gate_modules", gates, gate),
        **({"lq_proj.pit_head.weight": (1536, 512)} if v15 else {}),
        **blocks("patch_blocks", 14, {"attn.qkv_x.weight": (4608, 1536)}),
    }


def stable_audio(dim: int, layers: int, qkv: int, channels: int, glob: int, conds: Shape, **extra: Shape) -> Keys:
    return {
        "transformer.rotary_pos_emb.inv_freq": (16,),
        "to_global_embed.0.weight": (dim, glob),
        "to_cond_embed.0.weight": conds,
        "to_timestep_embed.0.weight": (dim, 256),
        "timestep_features.weight": (128, 1),
        "postprocess_conv.weight": (channels, channels, 1),
        "transformer.project_in.weight": (dim, channels),
        **blocks("transformer.layers", layers, {"self_attn.to_qkv.weight": (qkv * dim, dim)}),
        **{name.replace("__", "."): shape for name, shape in extra.items()},
    }


SECONDS = "conditioner.conditioners.seconds_total.embedder.embedding.0.weights"
CC = {"cc_projection.weight": (768, 772), "cc_projection.bias": (768,)}
POSE = {"patch_embedding_pose__weight": (5120, 20, 1, 2, 2)}

TRELLIS = ("img2shape", "shape2txt", "structure_model")
# What a Z-Image that works on pixels has besides: its decoder, whose first layer also takes 8 x 8 frequencies.
Z_PIXELS = {
    "x_embedder.weight": (3840, 768),
    "dec_net.cond_embed.weight": (1024, 3840),
    "dec_net.final_layer.linear.weight": (768, 1024),
    "dec_net.input_embedder.embedder.0.weight": (1024, 768 + 64),
    **blocks("dec_net.res_blocks", 4, {"mlp.0.weight": (1024, 1024)}),
}

LAYOUTS: dict[str, Layout] = {
    # UNets
    "sd15": Layout("SD15", sd1(), prefix=LDM),
    "sd15_inpaint": Layout("SD15", sd1(9), prefix=LDM),
    "sd20_eps": Layout("SD20", sd2(), prefix=LDM, values={SD2_NORM: 0.02}),
    "sd20_vpred": Layout("SD20", sd2(), prefix=LDM, values={SD2_NORM: 0.2}),
    "sd21_unclip_h": Layout("SD21UnclipH", sd2(2048), prefix=LDM, values={SD2_NORM: 0.2}),
    "stable_zero123": marked("Stable_Zero123", sd1(8), CC),
    "lotus_d": Layout("LotusD", sd2(4), values={SD2_NORM: 0.02}),
    "sdxl": Layout("SDXL", sdxl(), prefix=LDM),
    "sdxl_vpred_ztsnr": marked("SDXL", sdxl(), {"v_pred": (0,), "ztsnr": (0,)}),
    "sdxl_playground": marked("SDXL", sdxl(), {"edm_mean": (1, 4, 1, 1), "edm_std": (1, 4, 1, 1)}),
    "sdxl_cosxl": marked("SDXL", sdxl(), {"edm_vpred.sigma_max": ()}, {"edm_vpred.sigma_max": 120.0}),
    "sdxl_cosxl_edit": marked(
        "SDXL_instructpix2pix", sdxl(8), {"edm_vpred.sigma_max": ()}, {"edm_vpred.sigma_max": 120.0}
    ),
    "sdxl_refiner": Layout(
        "SDXLRefiner", unet(384, (1, 2, 4, 4), (0, 4, 4, 0), 1280, True, 2560, middle=4), prefix=LDM
    ),
    "ssd_1b": Layout("SSD1B", unet(320, (1, 2, 4), (0, 2, 4), 2048, True, 2816, middle=0), prefix=LDM),
    "segmind_vega": Layout("Segmind_Vega", unet(320, (1, 2, 4), (0, 1, 2), 2048, True, 2816, middle=0), prefix=LDM),
    "koala_700m": Layout(
        "KOALA_700M", unet(320, (1, 2, 4), (0, 2, 5), 2048, True, 2816, middle=0, resnets=1), prefix=LDM
    ),
    "koala_1b": Layout("KOALA_1B", unet(320, (1, 2, 4), (0, 2, 6), 2048, True, 2816, middle=6, resnets=1), prefix=LDM),
    "sd_x4_upscaler": Layout("SD_X4Upscaler", unet(256, (1, 2, 2, 4), (0, 1, 1, 1), 1024, True, inputs=7), prefix=LDM),
    "sd21_unclip_l": Layout("SD21UnclipL", sd2(1536), prefix=LDM, values={SD2_NORM: 0.2}),
    "sd15_instruct_pix2pix": Layout("SD15_instructpix2pix", sd1(8), prefix=LDM),
    "svd": Layout("SVD_img2vid", svd(768), prefix=LDM),
    "sv3d_u": Layout("SV3D_u", svd(256), prefix=LDM),
    "sv3d_p": Layout("SV3D_p", svd(1280), prefix=LDM),
    "cascade_c": Layout("Stable_Cascade_C", cascade_c(2048)),
    "cascade_c_lite": Layout("Stable_Cascade_C", cascade_c(1536)),
    "cascade_b": Layout("Stable_Cascade_B", cascade_b(640, 1280)),
    "cascade_b_lite": Layout("Stable_Cascade_B", cascade_b(576, 1152)),
    # image transformers
    "sd3_medium": Layout("SD3", sd3(24, qk_norm=False), prefix=LDM),
    "sd35_medium": Layout("SD3", sd3(24, 13, positions=384), prefix=LDM),
    "sd35_large": Layout("SD3", sd3(38), prefix=LDM),
    "pixart_alpha": Layout(
        "PixArtAlpha",
        pixart(120, 64) | {"ar_embedder.mlp.0.weight": (384, 256), "csize_embedder.mlp.0.weight": (384, 256)},
    ),
    "pixart_sigma": Layout("PixArtSigma", pixart(300, 64)),
    "hunyuan_dit_12": Layout("HunyuanDiT", hydit(1024)),
    "hunyuan_dit_11": Layout("HunyuanDiT1", hydit(3968)),
    "auraflow": Layout(
        "AuraFlow",
        {
            "positional_encoding": (1, 9216, 3072),
            "cond_seq_linear.weight": (3072, 2048),
            **blocks("double_layers", 4, {"attn.w1q.weight": (3072, 3072)}),
            **blocks("single_layers", 32, {"attn.w1q.weight": (3072, 3072)}),
        },
        prefix="model.",
    ),
    "flux_dev": Layout("Flux", flux(3072, 64, 4096, 19, 38, guidance=True, vector=True)),
    "flux_canny": Layout("Flux", flux(3072, 128, 4096, 19, 38, guidance=True, vector=True)),
    "flux_fill": Layout("FluxInpaint", flux(3072, 384, 4096, 19, 38, guidance=True, vector=True)),
    "flux_schnell": Layout("FluxSchnell", flux(3072, 64, 4096, 19, 38, vector=True)),
    "ovis_image": Layout("FluxSchnell", ovis()),
    "longcat_image": Layout("LongCatImage", flux(3072, 64, 3584, 10, 20)),
    "flux2_dev": Layout("Flux2", flux2(6144, 15360, 8, 48, guidance=True)),
    "flux2_klein_9b": Layout("Flux2", flux2(4096, 12288, 8, 24)),
    "flux2_klein_4b": Layout("Flux2", flux2(3072, 7680, 5, 20)),
    "chroma": Layout("Chroma", chroma()),
    "chroma_radiance": Layout("ChromaRadiance", chroma(pixels=True)),
    "chroma_radiance_x0": Layout("ChromaRadiance", chroma(pixels=True) | {"__x0__": (0,)}),
    "hidream": Layout(
        "HiDream",
        {
            "x_embedder.proj.weight": (2560, 64),
            **blocks("caption_projection", 49, {"linear.weight": (2560, 4096)}),
            **blocks("double_stream_blocks", 16, {"block.adaLN_modulation.1.weight": (30720, 2560)}),
            **blocks("single_stream_blocks", 32, {"block.adaLN_modulation.1.weight": (15360, 2560)}),
        },
    ),
    "hidream_o1": Layout(
        "HiDreamO1",
        {
            "t_embedder1.mlp.0.weight": (4096, 256),
            "x_embedder.proj1.weight": (1024, 3072),
            "x_embedder.proj2.weight": (4096, 1024),
            "final_layer2.linear.weight": (3072, 4096),
            **blocks("language_model.layers", 36, {"self_attn.q_proj.weight": (4096, 4096)}),
        },
        prefix="model.",
    ),
    "lumina2": Layout("Lumina2", lumina(2304, 2304, 26, 96)),
    "newbie": Layout("Lumina2", lumina(2304, 2560, 36, 96) | {"clip_text_pooled_proj.0.weight": (1024,)}),
    "z_image_pixel": Layout("ZImagePixelSpace", lumina(3840, 2560, 30, 128) | Z_PIXELS),
    "z_image": Layout("ZImage", lumina(3840, 2560, 30, 128) | {"cap_pad_token": (1, 3840), "x_pad_token": (1, 3840)}),
    "omnigen2": Layout(
        "Omnigen2",
        {
            "time_caption_embed.timestep_embedder.linear_1.bias": (1024,),
            "x_embedder.weight": (2520, 64),
            **blocks("layers", 32, {"attn.to_q.weight": (2520, 2520)}),
        },
    ),
    "boogu": Layout(
        "Boogu",
        {
            "x_embedder.weight": (3360, 64),
            "time_caption_embed.timestep_embedder.linear_1.bias": (1024,),
            "time_caption_embed.caption_embedder.0.weight": (4096,),
            **blocks("noise_refiner", 2, {"attn.to_q.weight": (3360, 3360)}),
            **blocks("double_stream_layers", 8, {"img_instruct_attn.processor.img_to_q.weight": (3360, 3360)}),
            **blocks("single_stream_layers", 32, {"attn.to_q.weight": (3360, 3360)}),
        },
    ),
    "qwen_image": Layout("QwenImage", qwen(3072, 64, 3584, 60)),
    "qwen_image_edit_2511": Layout("QwenImage", qwen(3072, 64, 3584, 60) | {"__index_timestep_zero__": (0,)}),
    "qwen_image_layered": Layout(
        "QwenImage", qwen(3072, 64, 3584, 60) | {"time_text_embed.addition_t_embedding.weight": (2, 3072)}
    ),
    "mage_flow": Layout("MageFlow", qwen(3072, 128, 2560, 12)),
    "lens": Layout(
        "Lens",
        {
            "img_in.weight": (1536, 128),
            "proj_out.weight": (128, 1536),
            "txt_in.weight": (1536, 11520),
            **blocks("txt_norm", 4, {"weight": (2880,)}),
            **blocks("transformer_blocks", 48, {"attn.norm_added_q.weight": (64,), "img_mlp.w1.weight": (4096, 1536)}),
        },
    ),
    "hunyuan_image_21": Layout("HunyuanImage21", hunyuan(3584, 64, (1, 1), 64, 3584, 20, 40, byt5=True)),
    "hunyuan_image_21_distilled": Layout(
        "HunyuanImage21", hunyuan(3584, 64, (1, 1), 64, 3584, 20, 40, byt5=True, guidance=True, time_r=True)
    ),
    "hunyuan_image_21_refiner": Layout(
        "HunyuanImage21Refiner", hunyuan(3328, 128, (1, 1, 1), 64, 3584, 20, 40, guidance=True)
    ),
    "ernie_image": Layout(
        "ErnieImage",
        {
            "x_embedder.proj.weight": (4096, 128, 1, 1),
            "text_proj.weight": (4096, 3072),
            **blocks("layers", 36, {"mlp.linear_fc2.weight": (4096, 12288)}),
        },
    ),
    "krea2": Layout(
        "Krea2",
        {
            "first.weight": (6144, 64),
            "txtfusion.projector.weight": (1, 12),
            **blocks("txtfusion.layerwise_blocks", 2, {"prenorm.scale": (2560,)}),
            **blocks("blocks", 28, {"attn.wq.weight": (6144, 6144), "attn.wk.weight": (1536, 6144)}),
        },
    ),
    "ideogram4": Layout(
        "Ideogram4",
        {
            "embed_image_indicator.weight": (2, 4608),
            "input_proj.weight": (4608, 128),
            "llm_cond_proj.weight": (4608, 53248),
            **blocks("layers", 34, {"attention.qkv.weight": (13824, 4608)}),
        },
    ),
    "anima": Layout(
        "Anima",
        predict2(2048, 28, 16) | blocks("llm_adapter.blocks", 6, {"cross_attn.q_proj.weight": (1024, 1024)}),
        prefix="net.",
    ),
    "joyimage": Layout(
        "JoyImage",
        {
            "img_in.weight": (4096, 16, 1, 2, 2),
            "condition_embedder.time_embedder.linear_1.weight": (4096, 256),
            **blocks(
                "double_blocks", 40, {"attn.img_attn_qkv.weight": (12288, 4096), "attn.img_attn_q_norm.weight": (128,)}
            ),
        },
    ),
    "pixeldit": Layout(
        "PixelDiTT2I",
        {
            "core.pixel_embedder.proj.weight": (16, 3),
            "core.s_embedder.proj.weight": (1536, 768),
            **blocks("core.patch_blocks", 14, {"attn.qkv_x.weight": (4608, 1536)}),
            **blocks("core.pixel_blocks", 2, {"adaLN_modulation.0.weight": (24576, 1536)}),
        },
    ),
    "pid_flux": Layout("PiD", pid(16, 7)),
    "pid_flux2": Layout("PiD", pid(128, 7)),
    "pid15_flux": Layout("PiD", pid(16, 7, v15=True)),
    "pid15_flux2": Layout("PiD", pid(32, 7, v15=True)),
    "kandinsky5_image": Layout("Kandinsky5Image", kandinsky(2560, 512, 64, 2, 50)),
    # video transformers
    "kandinsky5_lite": Layout("Kandinsky5", kandinsky(1792, 512, 132, 2, 32)),
    "kandinsky5_pro": Layout("Kandinsky5", kandinsky(4096, 1024, 132, 4, 60)),
    "cosmos_t2v_7b": Layout("CosmosT2V", cosmos(4096, 28, 16), prefix="net."),
    "cosmos_i2v_7b": Layout("CosmosI2V", cosmos(4096, 28, 17), prefix="net."),
    "cosmos_predict2_t2i_2b": Layout("CosmosT2IPredict2", predict2(2048, 28, 16), prefix="net."),
    "cosmos_predict2_t2i_14b": Layout("CosmosT2IPredict2", predict2(5120, 36, 16), prefix="net."),
    "cosmos_predict2_i2v_2b": Layout("CosmosI2VPredict2", predict2(2048, 28, 17), prefix="net."),
    "cosmos_predict2_i2v_14b": Layout("CosmosI2VPredict2", predict2(5120, 36, 17), prefix="net."),
    "seedvr2_3b": Layout("SeedVR2", seedvr(2560, 32, "all.proj_in_gate.weight")),
    "seedvr2_7b": Layout("SeedVR2", seedvr(3072, 36, "vid.proj_out.weight")),
    "seedvr2_7b_shared": Layout("SeedVR2", seedvr(3072, 36, "all.proj_in_gate.weight")),
    "hunyuan_video": Layout("HunyuanVideo", hunyuan_video(16)),
    "hunyuan_video_i2v": Layout("HunyuanVideoI2V", hunyuan_video(33)),
    "hunyuan_video_skyreels": Layout("HunyuanVideoSkyreelsI2V", hunyuan_video(32)),
    "hunyuan_video_15": Layout("HunyuanVideo15", hunyuan(2048, 65, (1, 1, 1), 32, 3584, 54, 0, byt5=True, vision=True)),
    "hunyuan_video_15_sr": Layout(
        "HunyuanVideo15_SR_Distilled",
        hunyuan(2048, 98, (1, 1, 1), 32, 3584, 54, 0, byt5=True, vision=True, time_r=True),
    ),
    "ltxv_2b": Layout("LTXV", ltx(2048, 28, 2048), prefix=LDM),
    "ltxv_13b": Layout("LTXV", ltx(4096, 48, 4096), prefix=LDM),
    "ltxav_20": Layout("LTXAV", ltxav(6), prefix=LDM),
    "ltxav_23": Layout(
        "LTXAV", ltxav_prompt(), config(cross_attention_adaln=True, apply_gated_attention=True), prefix=LDM
    ),
    "ltxav_25": Layout(
        "LTXAV",
        ltxav_prompt() | {"keyframes_abs_pos_embedding": (1, 4096)},
        config(cross_attention_adaln=True, apply_gated_attention=True),
        prefix=LDM,
    ),
    "wan21_t2v_14b": Layout("WAN21_T2V", wan(WAN_14B)),
    "wan21_t2v_1b": Layout("WAN21_T2V", wan(WAN_1B)),
    "wan22_i2v_14b": Layout("WAN21_T2V", wan(WAN_14B, 36)),
    "wan21_i2v_14b": Layout("WAN21_I2V", wan(WAN_14B, 36, image=True)),
    "wan21_flf2v_14b": Layout("WAN21_I2V", wan(WAN_14B, 36, image=True, img_emb__emb_pos=(1, 514, 1280))),
    "wan21_vace_14b": Layout("WAN21_Vace", vace(WAN_14B, 8)),
    "wan21_vace_1b": Layout("WAN21_Vace", vace(WAN_1B, 15)),
    "wan21_fun_control_14b": Layout(
        "WAN21_FunControl2V", wan(WAN_14B, 48, image=True, ref_conv__weight=(5120, 16, 2, 2))
    ),
    "wan21_camera_14b": Layout(
        "WAN21_Camera", wan(WAN_14B, 32, image=True, control_adapter__conv__weight=(5120, 1536, 2, 2))
    ),
    "wan22_camera_14b": Layout("WAN22_Camera", wan(WAN_14B, 36, control_adapter__conv__weight=(5120, 1536, 2, 2))),
    "wan22_ti2v_5b": Layout("WAN22_T2V", wan(WAN_5B, 48, 48)),
    "wan21_causal_ar": Layout("WAN21_CausalAR_T2V", wan(WAN_1B), config(causal_ar=True)),
    "wan21_scail": Layout("WAN21_SCAIL", wan(WAN_14B, 20, image=True, **POSE)),
    "wan22_dancer": Layout(
        "WAN22_WanDancer", wan(WAN_14B, 36, image=True, patch_embedding_global__weight=(5120, 36, 1, 2, 2))
    ),
    "wan21_flow_rvs": Layout("WAN21_FlowRVS", wan(WAN_1B), metadata=config(model_type="flow_rvs")),
    "wan21_scail2": Layout(
        "WAN21_SCAIL2", wan(WAN_14B, 20, image=True, patch_embedding_mask__weight=(5120, 28, 1, 2, 2), **POSE)
    ),
    "wan21_humo_17b": Layout("WAN21_HuMo", wan(WAN_14B, 36, audio_proj__audio_proj_glob_1__layer__bias=(512,))),
    "wan22_s2v_14b": Layout(
        "WAN22_S2V", wan(WAN_14B, casual_audio_encoder__encoder__final_linear__weight=(5120, 5120))
    ),
    "wan22_animate_14b": Layout(
        "WAN22_Animate",
        wan(WAN_14B, 36, image=True) | blocks("face_adapter.fuser_blocks", 8, {"k_norm.weight": (128,)}),
    ),
    "wan_animate2_14b": Layout("WAN_Animate2", wan(WAN_14B, 36, image=True), config(model_type="animate2")),
    "mochi": Layout(
        "GenmoMochi",
        {
            "t5_yproj.weight": (1536, 4096),
            "x_embedder.proj.weight": (3072, 12, 2, 2),
            **blocks("blocks", 48, {"attn.q_norm_x.weight": (128,)}),
        },
    ),
    "cogvideox_2b": Layout(
        "CogVideoX_T2V", cogvideo(1920, 30, (16, 2, 2), patch_embed__pos_embedding=(1, 17776, 1920))
    ),
    "cogvideox_5b": Layout("CogVideoX_T2V", cogvideo(3072, 42, (16, 2, 2))),
    "cogvideox_5b_i2v": Layout(
        "CogVideoX_I2V", cogvideo(3072, 42, (32, 2, 2), patch_embed__pos_embedding=(1, 17776, 3072))
    ),
    "cogvideox15_5b": Layout("CogVideoX_T2V", cogvideo(3072, 42, (128,))),
    "cogvideox15_5b_i2v": Layout(
        "CogVideoX_I2V", cogvideo(3072, 42, (256,), ofs_embedding_linear_1__weight=(512, 512))
    ),
    "cogvideox15_fun_inpaint": Layout("CogVideoX_Inpaint", cogvideo(3072, 42, (384,))),
    "minimax_h3": Layout(
        "MiniMaxH3",
        {
            "video_patch_proj.weight": (5376, 96),
            "audio_patch_proj.weight": (5376, 32),
            "final_layer.video_out.weight": (96, 5376),
            "final_layer.audio_out.weight": (32, 5376),
            "condition_proj.weight": (5376, 5120),
            "rope.inv_freq": (16,),
            "time_embedder.proj_in.weight": (5376, 256),
            "time_embedder.proj_out.weight": (2688, 5376),
            **blocks("token_refiner.blocks", 2, {"norm1.weight": (5376,)}),
            **blocks(
                "blocks",
                50,
                {"attn.q_norm.weight": (128,), "attn.qkv_proj.weight": (21504, 5376), "mlp.fc1.weight": (28672, 5376)},
            ),
        },
    ),
    # audio
    "ace_step": Layout(
        "ACEStep",
        {
            "genre_embedder.weight": (2560, 512),
            "lyric_embs.weight": (6693, 1024),
            **blocks("transformer_blocks", 24, {"attn.to_q.weight": (2560, 2560)}),
        },
    ),
    "ace_step_15": Layout(
        "ACEStep15",
        {
            **{
                f"encoder.lyric_encoder.layers.{i}.{name}": shape
                for i in range(8)
                for name, shape in {
                    "input_layernorm.weight": (2048,),
                    "self_attn.q_proj.weight": (2048, 2048),
                    "mlp.gate_proj.weight": (6144, 2048),
                }.items()
            },
            **blocks(
                "decoder.layers",
                24,
                {
                    "self_attn_norm.weight": (2048,),
                    "self_attn.q_proj.weight": (2048, 2048),
                    "mlp.gate_proj.weight": (6144, 2048),
                },
            ),
        },
    ),
    "stable_audio_open": Layout(
        "StableAudio",
        stable_audio(1536, 24, 3, 64, 1536, (768, 768)) | {SECONDS: (128,)},
        prefix="model.model.",
        root=(SECONDS,),
    ),
    "minimax_music_3": Layout(
        "MiniMaxMusic3",
        {
            "cond_layer_logits": (8,),
            "latent_conditioners.0.weight": (1536, 128),
            "diffusion_transformer.transformer.layers.0.self_attn.to_qkv.weight": (4608, 1536),
        },
    ),
    "stable_audio_3": Layout(
        "StableAudio3",
        stable_audio(
            1536,
            24,
            3,
            256,
            768,
            (1536, 768),
            transformer__memory_tokens=(64, 1536),
            transformer__layers__0__self_attn__q_norm__gamma=(64,),
            transformer__layers__0__to_local_embed__0__weight=(1536, 257),
            transformer__global_cond_embedder__0__weight=(1536, 1536),
        )
        | {SECONDS: (128,)},
        prefix="model.model.",
        root=(SECONDS,),
    ),
    # 3D
    "hunyuan3d_2": Layout("Hunyuan3Dv2", hunyuan3d(1024, 16, 32), prefix="model."),
    "hunyuan3d_2_turbo": Layout("Hunyuan3Dv2", hunyuan3d(1024, 16, 32, guidance=True), prefix="model."),
    "hunyuan3d_2_mini": Layout("Hunyuan3Dv2mini", hunyuan3d(1024, 8, 16)),
    "hunyuan3d_2_mini_turbo": Layout("Hunyuan3Dv2mini", hunyuan3d(1024, 8, 16, guidance=True)),
    "trellis_2": Layout("Trellis2", {f"{name}.t_embedder.mlp.0.weight": (1536, 256) for name in TRELLIS}),
    "triposplat": Layout(
        "TripoSplat", {"cam_out_layer.weight": (5, 1024), "repo_layers.0.final_map.weight": (3, 1024)}
    ),
    "hunyuan3d_2_1": Layout(
        "Hunyuan3Dv2_1",
        {
            "t_embedder.mlp.2.weight": (2048, 8192),
            "x_embedder.weight": (2048, 64),
            **blocks("blocks", 21, {"attn1.k_norm.weight": (128,)}),
        },
        prefix="model.",
    ),
}

# Files whose class is not the one their name suggests; "" where nothing matches.
TRAPS: dict[str, Layout] = {
    "pixart_alpha_512": Layout("PixArtSigma", pixart(120, 32)),
    "zero123_unet_only": Layout("SD15_instructpix2pix", sd1(8)),
    "hunyuan_video_i2v_v2": Layout("HunyuanVideo", hunyuan_video(16)),
    "kandinsky5_image_edit": Layout("Kandinsky5", kandinsky(2560, 512, 132, 2, 50)),
    "seedvr2_7b_original": Layout("", seedvr(3072, 36, "vid.proj_out.weight", conditioned=False)),
    "wan_animate2_no_metadata": Layout("WAN21_I2V", wan(WAN_14B, 36, image=True)),
    "wan21_causal_ar_no_metadata": Layout("WAN21_T2V", wan(WAN_1B)),
    "wan22_fun_control_14b": Layout("WAN21_T2V", wan(WAN_14B, 52, ref_conv__weight=(5120, 16, 2, 2))),
    "wan22_fun_control_5b": Layout("WAN22_T2V", wan(WAN_5B, 100, 48, ref_conv__weight=(3072, 48, 2, 2))),
    "wan22_fun_camera_5b": Layout("", wan(WAN_5B, 100, 48, control_adapter__conv__weight=(3072, 6144, 2, 2))),
    "wan_t2v_with_36_channels_5b": Layout("WAN22_T2V", wan(WAN_5B, 36, 48)),
    "z_image_original_names": Layout(
        "",
        {
            "cap_embedder.1.weight": (3840, 2560),
            "noise_refiner.0.attention.norm_k.weight": (128,),
            "noise_refiner.0.attention.to_k.weight": (3840, 3840),
        },
    ),
    "flux_kontext": Layout("Flux", flux(3072, 64, 4096, 19, 38, guidance=True, vector=True)),
    "flux2_klein_base": Layout("Flux2", flux2(4096, 12288, 8, 24)),
    "ltxav_23_no_metadata": Layout("LTXAV", ltxav_prompt()),
    "sd20_inpaint": Layout("SD20", sd2(inputs=9), values={SD2_NORM: 0.2}),
    "sdxl_inpaint": Layout("SDXL", sdxl(9)),
    "hunyuan_image_21_no_vision_3d": Layout("HunyuanImage21", hunyuan(3072, 16, (1, 2, 2), 16, 4096, 20, 40)),
}
