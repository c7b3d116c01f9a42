// {"tries": "templates that double at each level", "right": ["compile_error", "compile_timeout", "memory"], "build": 1}
template <int N, int M> struct Two { static const int v = Two<N - 1, 2 * M>::v + Two<N - 1, 2 * M + 1>::v; };
template <int M> struct Two<0, M> { static const int v = M; };
int add(int a, int b) { return Two<28, 1>::v; }
