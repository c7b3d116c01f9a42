#!/bin/bash
# Runs `harness run ...` as a job array of Slurm, one shard a task; the arguments are those of `harness run`:
#   sbatch --array=1-8 --export=ALL,SHARDS=8 array.sh --model ORG/MODEL --suite code --out runs/mine
# Some tasks again, with the same number of shards: sbatch --array=3,7 --export=ALL,SHARDS=8 array.sh ...
#SBATCH --job-name=harness
#SBATCH --time=04:00:00
#SBATCH --gres=gpu:1
# Five minutes before the limit this script gets USR1, and passes it on
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append

harness run "$@" --shard "$SLURM_ARRAY_TASK_ID/${SHARDS:?set it to the number of shards}" &
run=$!
ended=
trap 'ended=1; kill -USR1 "$run"' USR1 TERM
wait "$run"
code=$?
if [ -n "$ended" ]; then
  # The signal ended the first `wait`; the run is still writing its last records
  wait "$run"
  code=$?
fi
# 130: interrupted, so that the same task goes on where it stopped
if [ "$code" -eq 130 ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
