"""The README's sections on a judge's faults and on prompt injection."""

from typing import Any

from ..markdown import table
from .injection_outcomes import ALONE, FUSIONS, MEAN, MEDIAN, ONE_ORDER, WAYS


def judge_faults_section(f: dict[str, Any]) -> str:
    """Hostile replies, and a judged batch that was killed."""
    flights = ", ".join(map(str, f["in_flight_at_kills"]))
    same = "are, byte for byte," if f["same_as_never_killed"] else "are NOT"
    return (
        f"**A judge's faults**: of {f['replies_fuzzed']:,} random and hostile replies in both wire formats and all "
        f"three modes {f['crashes']} crashed the parser, {f['out_of_range']} left a score outside [0, 1], "
        f"{f['dropped']} dropped a candidate without a reason. A batch of {f['queries']} queries, judged by a "
        f"*loopback* server (no Gemini: it answers by the truth of synthetic phantoms), was killed with SIGKILL "
        f"{f['kills']} times and continued: by the server's own log {f['calls']} calls for {f['keys']} different "
        f"requests, {f['paid_twice']} paid twice, {f['paid_twice_beyond_inflight']} of them beyond the calls in "
        f"flight at the kills ({flights}; {f['concurrency']} at once), {f['lost']} lost. Its published files {same} "
        "those of a batch that nobody killed."
    )


def judge_injection_section(f: dict[str, Any]) -> str:
    """What an obeying judge can move, by place, way to ask and fusion; what holds, and what does not."""
    head = ["attack in", "asked", "obeyed", *(f"{fusion}: rise, to first" for fusion in FUSIONS)]
    lines = [
        [place, way, f"{_row(f, place, way, ALONE)['obeyed']:.0%}", *(_moved(_row(f, place, way, x)) for x in FUSIONS)]
        for place in ("picture", "query")
        for way in (*WAYS, MEDIAN)
    ]
    heading = (
        f"**Prompt injection**: {f['attacks']} committed attacks (`assets/injections.json`, English and Vietnamese) on "
        f"{f['sets']} sets of {f['phantoms']} synthetic phantoms, k = {f['k']}, judged by a *loopback* judge that "
        "reads them (in pictures by template matching) and obeys every one: the worst case, which no prompt defends. "
        "Largest rise in places of the attacked item (query: of any) against the same judge not obeying, and how often "
        f"it became first ({', '.join(f'{n} cases in a {place}' for place, n in f['cases'].items())}).\n"
    )
    return f"{heading}\n{table(head, lines)}\n\nHolds: {_holds(f)}\n\nDoes not hold: {_fails(f)}"


def _holds(f: dict[str, Any]) -> str:
    captions = [row for row in f["rows"] if row["place"] == "caption"]
    block, loose = f["attacks_out_of_the_block"], f["obeyed_outside_the_block"]
    alone, fused = (_row(f, "picture", "pointwise", name)["to_first"] for name in (ALONE, "corrected"))
    added = [row for row in f["by_demand"] if row["asks"] == "outsider"]
    return (
        f"{f['outside']} items from outside the k entered a ranking, and none of the k left it; an id that was not "
        f"shown changed {_most(added, 'changed'):.0%} of rankings. Captions reach no picture judge: "
        f"{_most(captions, 'obeyed'):.0%} obeyed, {_most(captions, 'changed'):.0%} changed. {block['json_block']} "
        f"attacks break out of the query's JSON block (pasted between tags {block['pasted_between_tags']} would), so "
        f"that a judge that obeys only what stands outside it obeyed {loose['obeyed']} of {loose['cases']}. Asked "
        f"pointwise, a picture can lift itself but not lower others: first in {alone:.0%} by the judge alone, "
        f"{fused:.0%} after corrected Pos-Fuse."
    )


def _fails(f: dict[str, Any]) -> str:
    one, mean, median = (_row(f, "picture", way, "corrected")["to_first"] for way in (ONE_ORDER, MEAN, MEDIAN))
    letters = [_row(f, "query", way, "corrected")["to_first"] for way in (ONE_ORDER, MEAN, MEDIAN)]
    refused = {
        fusion: next(r for r in f["by_demand"] if (r["asks"], r["asked"], r["fusion"]) == ("over", ONE_ORDER, fusion))
        for fusion in ("corrected", "published")
    }
    local = "; ".join(
        f"{r['in the caption']}: score {r['mean_score_change']:+.3f} on average, {r['largest_score_change']:+.3f} at "
        f"most, rise of at most {r['largest_rise']} in {r['rose']:.0%}"
        for r in f["local_judge"]["rows"]
    )
    seen = f["retrieval"]
    return (
        f"within the k an obeying judge lifts the attacked picture, and no fusion bounds that. Asked listwise it is "
        f"first in {one:.0%} after corrected Pos-Fuse, and averaging does not help: {mean:.0%} by the mean, "
        f"{median:.0%} by the median of three "
        f"orders, since it is obeyed in each (an attack in the query can only name a letter, which each order gives to "
        f"another picture: {letters[0]:.0%}, {letters[1]:.0%}, {letters[2]:.0%}). A score of 9999 is refused and its "
        f"picture unjudged; at the prior .5 it still passes pictures that the judge scored 0: first in "
        f"{refused['corrected']['to_first']:.0%} corrected, {refused['published']['to_first']:.0%} published. "
        f"The local judge reads captions and obeys nothing, but words move its cosine ({local}). Retrieval itself "
        f"sees pixels and words: a picture with drawn text keeps a cosine of "
        f"{seen['picture_cosine_to_itself_mean']:.2f} to itself (least {seen['picture_cosine_to_itself_least']:.2f}), "
        f"an attacked query {seen['query_top_k_kept']:.0%} of its k."
    )


def _row(f: dict[str, Any], place: str, way: str, fusion: str) -> dict[str, Any]:
    wanted = (place, way, fusion)
    return next(row for row in f["rows"] if (row["place"], row["asked"], row["fusion"]) == wanted)


def _moved(row: dict[str, Any]) -> str:
    return f"{row['largest_rise']}, {row['to_first']:.0%}"


def _most(rows: list[dict[str, Any]], name: str) -> float:
    return max(float(row[name]) for row in rows)
