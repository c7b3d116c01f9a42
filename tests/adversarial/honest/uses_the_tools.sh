# {"tries": "pipes, files, subshells, here-documents, arrays, commands that fail harmlessly", "right": ["passed"]}
add() {
    local -a numbers=("$@")
    local file
    file=$(mktemp)
    printf '%s\n' "${numbers[@]}" > "$file"
    grep -q nothing "$file" || true
    cat <<< "note" >&2
    if ! false; then
        awk '{ s += $1 } END { printf "%d\n", s }' "$file"
    fi
    rm "$file"
}
