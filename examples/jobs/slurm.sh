#!/bin/sh
# A task for each job of a plan: sbatch --array=1-$(wc -l < jobs.jsonl) slurm.sh
#SBATCH --job-name=pgdyno
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --time=00:30:00
exec pgdyno run-job "jobs.jsonl#$SLURM_ARRAY_TASK_ID" --out results
