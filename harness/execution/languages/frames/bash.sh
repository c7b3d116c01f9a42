# The frame around Bash. It runs the tests; every call of a function of the candidate is a process of its own, which
# gets the arguments and gives back what it prints and its exit code. Before the tests come lines that define those
# functions, made by the harness. The secret and the tests come through descriptor 3 and stand in no file.
IFS= read -r -u 3 harness_secret
IFS= read -r -d '' -u 3 harness_tests
exec 3<&-
harness_tell() {
  builtin printf '%s\n%s\ncall\n%s\n\n%s\n' "$harness_secret" "$1" "$2" "$3" >&4
}
harness_call() {
  PATH="$PATH" /bin/bash --noprofile --norc ./candidate "$@" 4<&- 3<&-
}
trap 'harness_tell failed assertion "$LINENO"' EXIT
eval "$harness_tests"
harness_code=$?
trap - EXIT
if ((harness_code == 0)); then harness_tell passed '' 0; else harness_tell failed 'exit code of the tests' 0; fi
