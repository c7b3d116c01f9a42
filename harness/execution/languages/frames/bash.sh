# The frame for Bash. It runs the tests; every call of a candidate's function starts a new process, which receives the
# arguments and returns its output and exit code. The harness adds lines before the tests that define those functions.
# The secret and the tests are read from descriptor 3 and are in no file.
IFS= read -r -u 3 harness_secret
IFS= read -r -d '' -u 3 harness_tests
exec 3<&-
harness_report() {
  builtin printf '%s\n%s\ncall\n%s\n\n%s\n' "$harness_secret" "$1" "$2" "$3" >&4
}
harness_call() {
  PATH="$PATH" /bin/bash --noprofile --norc ./candidate "$@" 4<&- 3<&-
}
trap 'harness_report failed assertion "$LINENO"' EXIT
eval "$harness_tests"
harness_code=$?
trap - EXIT
if ((harness_code == 0)); then harness_report passed '' 0; else harness_report failed 'exit code of the tests' 0; fi
