"""The paper recipe's parts: both towers with every fold in one graph, what is bit-identical over folds once."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from runtime.errors import BundleError, DatasetError
from train.blocks import TransformerBlock
from train.frozen import check_frozen, frozen_sha256
from train.minilm import BertShape, MiniLm, bert_block, checkpoint_names
from train.paper_recipe import PaperRecipe
from train.paper_towers import build_towers, paper_preprocessing, text_folder, trained_weights
from train.runs import Run
from train.vit import Vit, block_from_timm

from .compact import image_licence, weights_said
from .paper_graphs import ImageBranch, PaperImageGraph, PaperTextGraph, TextBranch, linear, with_weights
from .parts import Parts, torch_towers
from .shared_weights import of_tower, shared_prefix, sharing

State = Mapping[str, Tensor]

TRUNK = "visual.trunk"
BERT = "text.transformer"
LICENCES = {"all-MiniLM-L6-v2 (text tower, tokenizer)": "Apache-2.0"}


def paper_parts(run: Run, *, folds: int | None = None) -> Parts:
    """Graphs and references of a finished paper run, of its first `folds` folds.

    Raises DatasetError where a fold is missing or the frozen weights are not the run's, BundleError where folds
    differ before their first block.
    """
    recipe = PaperRecipe.from_json(run.settings()["recipe"])
    model = build_towers(recipe)
    frozen = frozen_sha256(model)
    check_frozen(run, frozen)
    trained = [_fold_weights(run, k, model) for k in range(folds or recipe.folds)]
    states = [model.state_dict() | weights for weights in trained]
    blocks, layers = len(model.visual.trunk.blocks), len(model.text.transformer.encoder.layer)
    shared_blocks = _shared(
        states,
        (f"{TRUNK}.cls_token", f"{TRUNK}.pos_embed", f"{TRUNK}.patch_embed."),
        [f"{TRUNK}.blocks.{i}." for i in range(blocks)],
    )
    shared_layers = _shared(states, (f"{BERT}.embeddings.",), [f"{BERT}.encoder.layer.{i}." for i in range(layers)])
    folder, preprocessing = text_folder(recipe.text_weights), paper_preprocessing(recipe)
    references = [
        torch_towers(*_reference(model, weights), folder, recipe.max_tokens, preprocessing) for weights in trained
    ]
    return Parts(
        text_graph=_text_graph(BertShape.read(folder), states, shared_layers),
        image_graph=_image_graph(model, states, shared_blocks),
        references=references,
        tokenizer_folder=folder,
        preprocessing=preprocessing,
        max_tokens=recipe.max_tokens,
        dims=recipe.dims,
        shared={
            "image_blocks_shared": f"{shared_blocks} of {blocks}",
            "text_layers_shared": f"{shared_layers} of {layers}",
            "frozen_sha256": frozen,
            "text": sharing({}, [of_tower(state, "text.") for state in states]),
            "image": sharing({}, [of_tower(state, "visual.") for state in states]),
            "image_weights": weights_said(recipe.image_weights),
        },
        licences=LICENCES | image_licence(recipe.image_weights),
    )


def _fold_weights(run: Run, fold: int, model: nn.Module) -> dict[str, Tensor]:
    weights, expected = run.weights(fold), set(trained_weights(model))
    if set(weights) != expected:
        odd = min(set(weights) ^ expected)
        raise DatasetError(f"{run.fold_folder(fold)}: its weights are not those of the run's recipe ({odd})")
    return weights


def _shared(states: list[State], stem: tuple[str, ...], blocks: list[str]) -> int:
    shared = shared_prefix(states, [stem, *((block,) for block in blocks)])
    if not shared:
        raise BundleError(f"export: the folds differ in {stem[-1]}*; only towers with a frozen input can be joined")
    # of one fold alone everything is shared; its last block is left to the branch, which computes CLS alone
    return min(shared - 1, len(blocks) - (len(states) == 1))


def _reference(
    model: nn.Module, weights: State
) -> tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]:
    # open_clip's own model with the fold's weights in place; it finds the padding by itself
    def text(ids: Tensor, _mask: Tensor) -> Tensor:
        return functional_call(model, dict(weights), (), {"text": ids})[1][:, None]

    def image(pixels: Tensor) -> Tensor:
        return functional_call(model, dict(weights), (), {"image": pixels})[0][:, None]

    return text, image


def _text_graph(shape: BertShape, states: list[State], shared: int) -> PaperTextGraph:
    names = {ours: f"{BERT}.{theirs}" for ours, theirs in checkpoint_names(shape.layers).items()}

    def layer(state: State, i: int) -> TransformerBlock:
        prefix, built = f"layers.{i}.", bert_block(shape)
        built.load_state_dict({name: state[names[prefix + name]] for name in built.state_dict()})
        return built

    trunk = MiniLm(shape)
    trunk.load_state_dict({ours: states[0][theirs] for ours, theirs in names.items()})
    trunk.layers = trunk.layers[:shared]
    branches = [
        TextBranch([layer(state, i) for i in range(shared, shape.layers)], linear(state, "text.proj"))
        for state in states
    ]
    return _inference(PaperTextGraph(trunk, branches))


def _image_graph(model: Any, states: list[State], shared: int) -> PaperImageGraph:
    trunk = model.visual.trunk
    branches = []
    for state in states:
        blocks = [
            block_from_timm(with_weights(block, state, f"{TRUNK}.blocks.{i}"))
            for i, block in enumerate(trunk.blocks)
            if i >= shared
        ]
        norm = with_weights(trunk.norm, state, f"{TRUNK}.norm")
        branches.append(ImageBranch(blocks, norm, linear(state, "visual.head.proj")))
    # the shared blocks are read from the first fold: where they were trained, all folds have those weights
    first = Vit.from_timm(with_weights(trunk, states[0], TRUNK), shared)
    return _inference(PaperImageGraph(first, branches))


def _inference(graph: Any) -> Any:
    return graph.eval().requires_grad_(False)
