#!/bin/sh
# Jobs of a plan side by side, two at a time: sh parallel.sh jobs.jsonl results 2
# For checks only: jobs on one machine disturb each other's times.
seq "$(wc -l < "$1")" | xargs -P "${3:-2}" -I '{}' pgdyno run-job "$1#{}" --out "$2"
