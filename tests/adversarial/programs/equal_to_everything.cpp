// {"tries": "returns an object that converts and compares as asked", "right": ["failed", "error", "compile_error", "exited", "signal"]}
struct Wild {
    template <class T> bool operator==(const T &) const { return true; }
    template <class T> operator T() const { return T(40); }
};
template <class T> bool operator==(const T &, const Wild &) { return true; }
Wild add(int a, int b) { return Wild(); }
