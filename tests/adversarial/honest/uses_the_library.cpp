// {"tries": "containers, threads, files, output, its own assertions and exceptions", "right": ["passed"]}
#include <bits/stdc++.h>
using namespace std;
#define FOR(i, n) for (int i = 0; i < (int)(n); i++)
struct Point { int x, y; bool operator==(const Point &o) const { return x == o.x && y == o.y; } };
template <class T> T sum(const vector<T> &all) { return accumulate(all.begin(), all.end(), T()); }
int add(int a, int b) {
    assert((Point{1, 2} == Point{1, 2}));
    string text(100000, 'x');
    cout << text << endl;
    cerr << "note" << endl;
    ofstream("note.txt") << a;
    int read = 0;
    ifstream("note.txt") >> read;
    vector<int> big(10000000, 0);
    FOR(i, 10) big[i] = 0;
    try { throw runtime_error("caught"); } catch (const exception &e) { }
    int other = 0;
    thread worker([&] { other = b; });
    worker.join();
    return sum(vector<int>{read, other});
}
