#!/bin/sh
# Every job of a plan, one after another: sh loop.sh jobs.jsonl results
# Called again, it makes what is missing.
for number in $(seq "$(wc -l < "$1")"); do
    pgdyno run-job "$1#$number" --out "$2"
    [ $? -ne 130 ] || exit 130 # interrupted
done
