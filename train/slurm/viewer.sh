#!/usr/bin/env bash
#SBATCH --job-name=carim-viewer
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --output=%x-%j.log
#
# The viewer on a compute node, reached by port forwarding. Submit it from the checkout and read the line to type on
# your own machine from the job's log:
#
#   DATA=carim-data sbatch train/slurm/viewer.sh
#
# DATA    the data folder of carim-build or carim-merge
# PORT    on both ends (default: one by the job's number, so that two viewers on a node do not meet)
# LOGIN   the host by which the node is reached (default: where sbatch was called)
# EXTRA   further options of python -m demo, separated by blanks; --auth USER:PASSWORD where others use the node
# PYTHON  the interpreter (default: .venv/bin/python)
# CHECKOUT  the checkout's folder (default: where sbatch was called); relative paths start there
# DRY_RUN   1 prints the lines and starts nothing
set -euo pipefail

fail() {
    echo "error: $*" >&2
    exit 2
}

cd "${CHECKOUT:-${SLURM_SUBMIT_DIR:-$PWD}}"
[ -f demo/__main__.py ] || fail "$PWD is no checkout; submit from it, or set CHECKOUT"
[ -n "${DATA:-}" ] || fail "the viewer needs DATA, a data folder with rows.jsonl"
[ -f "$DATA/rows.jsonl" ] || fail "$DATA holds no rows.jsonl; build it with python -m train carim-build"
port=${PORT:-$((20000 + ${SLURM_JOB_ID:-0} % 20000))}
user=${USER:-$(id -un)}
node=${SLURMD_NODENAME:-$(uname -n)}
login=${LOGIN:-${SLURM_SUBMIT_HOST:-$node}}
read -ra extra <<<"${EXTRA:-}"
[ -z "${SLURM_CPUS_PER_TASK:-}" ] || export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK

jump=()
[ "$login" = "$node" ] || jump=(-J "$user@$login")
echo "on your own machine:  ssh -N -L $port:127.0.0.1:$port ${jump[*]:+${jump[*]} }$user@$node"
echo "then open:            http://127.0.0.1:$port"

# the node's other users reach 127.0.0.1, other machines do not
command=("${PYTHON:-.venv/bin/python}" -m demo --carim "$DATA" --host 127.0.0.1 --port "$port")
command+=(${extra[@]+"${extra[@]}"})
# the options may hold a password, so they are not printed
[ "${DRY_RUN:-}" != 1 ] || { printf '%q ' "${command[@]}"; echo; exit 0; }
exec "${command[@]}"
