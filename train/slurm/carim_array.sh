#!/usr/bin/env bash
#SBATCH --job-name=carim
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --time=08:00:00
#SBATCH --output=%x-%A-%a.log
#
# One array job for any step of CARIM over many nodes: build, merge, train, index. Submit it from the checkout; what it
# needs is set in the environment, which sbatch hands on (partition, account and GPUs are options of sbatch):
#
#   export SOURCE=nuscenes DATA=nuscenes OUT=carim-data SHARDS=16 EXTRA="--captioner given"
#   build=$(STEP=build sbatch --parsable --array=0-15 train/slurm/carim_array.sh)
#   merge=$(STEP=merge sbatch --parsable --array=0 --dependency=afterok:$build train/slurm/carim_array.sh)
#   export DATA=carim-data EXTRA=
#   STEP=train OUT=runs/carim sbatch --array=0-4 --dependency=afterok:$merge train/slurm/carim_array.sh
#   STEP=index OUT=gallery-carim SHARDS=1 sbatch --array=0 --dependency=afterok:$merge train/slurm/carim_array.sh
#
# STEP    build   array index I builds shard I of SHARDS by scene from DATA into OUT/shards/. A task that is killed or
#                 fails goes on where it ended when its index is submitted again: --array=3 with the same SHARDS.
#         merge   one task (--array=0): checks that every shard in OUT is there, whole, alike and apart from the
#                 others, and writes OUT/rows.jsonl. It names every fault and changes nothing where it finds one.
#         train   array index I trains with seed I from the data folder DATA into OUT/seed-I.
#         index   SHARDS=1, one task: the merged data folder DATA becomes the gallery OUT. SHARDS=N: array index I
#                 turns shard I of DATA into OUT/shard-I-of-N, a gallery of its own; galleries are not merged.
# DATA    what is read; for build the source's own data, for train and index a data folder of build
# OUT     what is written
# SHARDS  how many shards there are; for build and index
# SOURCE  for build: nuscenes, folder or jsonl
# BUNDLE  for index: another bundle than the shipped one
# EXTRA   further options of the step's command, separated by blanks
# PYTHON  the interpreter (default: .venv/bin/python, for train .venv-train/bin/python, which qwen needs, too)
# CHECKOUT  the checkout's folder (default: where sbatch was called); relative paths start there
# DRY_RUN   1 prints the command and runs nothing
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 2
}

need() {
    local name
    for name in "$@"; do
        [ -n "${!name:-}" ] || fail "STEP=$STEP needs $name; see the head of train/slurm/carim_array.sh"
    done
}

STEP=${STEP:-}
INDEX=${SLURM_ARRAY_TASK_ID:-}
cd "${CHECKOUT:-${SLURM_SUBMIT_DIR:-$PWD}}"
[ -f train/__main__.py ] || fail "$PWD is no checkout; submit from it, or set CHECKOUT"
[[ $INDEX =~ ^[0-9]+$ ]] || fail "SLURM_ARRAY_TASK_ID is '$INDEX'; submit with sbatch --array=0-N"
[ -z "${SLURM_CPUS_PER_TASK:-}" ] || export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
read -ra extra <<<"${EXTRA:-}"
python=${PYTHON:-.venv/bin/python}

in_shards() {
    [[ $SHARDS =~ ^[1-9][0-9]*$ ]] || fail "SHARDS is '$SHARDS'; expected a number above 0"
    [ "$INDEX" -lt "$SHARDS" ] || fail "index $INDEX is no shard of $SHARDS; submit with --array=0-$((SHARDS - 1))"
}

case $STEP in
build)
    need DATA OUT SHARDS SOURCE
    in_shards
    command=("$python" -m train carim-build "$DATA" --source "$SOURCE" --out "$OUT" --shard "$INDEX/$SHARDS")
    ;;
merge)
    need OUT
    [ "$INDEX" -eq 0 ] || fail "STEP=merge is one task; submit with --array=0"
    command=("$python" -m train carim-merge "$OUT")
    ;;
train)
    need DATA OUT
    python=${PYTHON:-.venv-train/bin/python}
    command=("$python" -m train carim --data "$DATA" --out "$OUT/seed-$INDEX" --seed "$INDEX")
    ;;
index)
    need DATA OUT SHARDS
    in_shards
    part=shard-$INDEX-of-$SHARDS
    if [ "$SHARDS" -eq 1 ]; then
        command=("$python" -m runtime carim index "$DATA" --gallery "$OUT")
    else
        command=("$python" -m runtime carim index "$DATA/shards/$part" --gallery "$OUT/$part")
    fi
    [ -z "${BUNDLE:-}" ] || command+=(--bundle "$BUNDLE")
    ;;
*)
    fail "STEP is '$STEP'; expected build, merge, train or index"
    ;;
esac

command+=(${extra[@]+"${extra[@]}"})
printf '%q ' "${command[@]}"
echo
[ "${DRY_RUN:-}" = 1 ] || exec "${command[@]}"
