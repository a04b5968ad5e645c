#!/bin/sh
#SBATCH --job-name=holdfast-reproduce
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --output=reproduce-%A_%a.log
# One array task for each shard. On nodes with GPUs add --gres=gpu:1.
#   sbatch slurm.sh FOLDER [options of `holdfast reproduce`]
# When the array is through:
#   npx holdfast reproduce [the same options] --out FOLDER/all --merge FOLDER/shard-*
set -eu
folder=$1
shift
# shellcheck disable=SC2086 # The command is words.
exec ${HOLDFAST:-npx holdfast} reproduce "$@" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --out "$folder/shard-$SLURM_ARRAY_TASK_ID"
