#!/bin/sh
# PROGRAM [WORDS…]: as the official images do, words that are not a program are the program's arguments.
set -e
program=$1
shift
case "${1:-}" in
  -* | server) exec "$program" "$@" ;;
  *) exec "$@" ;;
esac
