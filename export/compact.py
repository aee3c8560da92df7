"""The compact recipe's parts: one frozen trunk per tower, what the folds own stacked on one axis."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from runtime.errors import DatasetError
from train.fit import CompactFolds
from train.fold_layers import load_stacked, mean_of_folds, stack_folds
from train.frozen import check_frozen, frozen_sha256
from train.image_trunk import SIZES, LiteTrunk, image_preprocessing, open_image_trunk
from train.minilm import MiniLm, package_folder
from train.recipes import CompactRecipe
from train.runs import Run
from train.vit import Vit

from .graphs import ImageGraph, TextGraph
from .parts import Parts, torch_towers
from .shared_weights import of_tower, sharing

State = dict[str, Tensor]

TEXT_LICENCE = {"all-MiniLM-L6-v2 (text trunk, tokenizer)": "Apache-2.0"}
LITE_LICENCE = {"EfficientNet-Lite, ImageNet weights (image trunk)": "Apache-2.0"}
DINOV2_LICENCE = {"DINOv2 ViT-S/14 (image trunk)": "Apache-2.0"}


def compact_parts(run: Run, *, folds: int | None = None, soup: bool = False) -> Parts:
    """Graphs and references of a finished compact run: its first `folds` folds, or one with the mean of their weights.

    Raises DatasetError where a fold is missing or the frozen weights are not the run's.
    """
    recipe = CompactRecipe.from_json(run.settings()["recipe"])
    texts, images = MiniLm.load(package_folder()), open_image_trunk(recipe)
    check_frozen(run, frozen_sha256(texts, images))
    states = [run.weights(k) for k in range(folds or recipe.folds)]
    if soup:
        if recipe.start != "shared":
            raise DatasetError(
                f"{run.folder}: its folds began from different random weights, whose mean means nothing; "
                "train with --start shared for a soup"
            )
        states = [mean_of_folds(states)]
    return stacked_parts(recipe, texts, images, states)


def stacked_parts(recipe: CompactRecipe, texts: MiniLm, images: LiteTrunk | Vit, states: Sequence[State]) -> Parts:
    """Graphs of the folds `states` on the given trunks, and each fold alone as reference."""
    folder = package_folder()
    preprocessing = image_preprocessing(recipe.image_trunk, recipe.crop)

    def graphs(state: State, folds: int) -> tuple[TextGraph, ImageGraph]:
        built = load_stacked(CompactFolds(texts, images, recipe, folds), state).eval().requires_grad_(False)
        return TextGraph(texts, built.text, folds), ImageGraph(images, built.image, folds)

    references = [torch_towers(*graphs(state, 1), folder, recipe.max_tokens, preprocessing) for state in states]
    text_graph, image_graph = graphs(stack_folds(states), len(states))
    return Parts(
        text_graph=text_graph,
        image_graph=image_graph,
        references=references,
        tokenizer_folder=folder,
        preprocessing=preprocessing,
        max_tokens=recipe.max_tokens,
        dims=recipe.dims,
        shared={
            "frozen_sha256": frozen_sha256(texts, images),
            "text": sharing(texts.state_dict(), [of_tower(state, "text.") for state in states]),
            "image": sharing(images.state_dict(), [of_tower(state, "image.") for state in states]),
            "text_adapt": recipe.text_adapt,
            "image_adapt": recipe.image_adapt,
            **({} if recipe.image_trunk in SIZES else {"image_weights": weights_said(recipe.image_weights)}),
        },
        licences=TEXT_LICENCE | _image_licence(recipe),
    )


def weights_said(image_weights: str) -> str:
    """How a certificate names a ViT's starting weights."""
    known = {"random": "random, not pretrained", "hub": "pretrained (DINOv2)"}
    return known.get(image_weights, f"from the file {Path(image_weights).name}")


def _image_licence(recipe: CompactRecipe) -> dict[str, str]:
    if recipe.image_trunk in SIZES:
        return LITE_LICENCE
    return image_licence(recipe.image_weights)


def image_licence(image_weights: str) -> dict[str, str]:
    """The licence of a ViT's starting weights; those of a file are known to whoever gave it."""
    if image_weights == "random":
        return {}
    if image_weights == "hub":
        return DINOV2_LICENCE
    return {f"{Path(image_weights).name} (image trunk)": "not stated; see where the file comes from"}
