package org.javatuples;

import java.util.Objects;

/** Stands in for javatuples' Pair: the part that benchmarks use. */
public final class Pair<A, B> {
    private final A value0;
    private final B value1;

    public Pair(A value0, B value1) {
        this.value0 = value0;
        this.value1 = value1;
    }

    public static <A, B> Pair<A, B> with(A value0, B value1) {
        return new Pair<>(value0, value1);
    }

    public A getValue0() {
        return value0;
    }

    public B getValue1() {
        return value1;
    }

    public <X> Pair<X, B> setAt0(X value) {
        return new Pair<>(value, value1);
    }

    public <X> Pair<A, X> setAt1(X value) {
        return new Pair<>(value0, value);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Pair
            && Objects.equals(value0, ((Pair<?, ?>) other).value0)
            && Objects.equals(value1, ((Pair<?, ?>) other).value1);
    }

    @Override
    public int hashCode() {
        return Objects.hash(value0, value1);
    }

    @Override
    public String toString() {
        return "[" + value0 + ", " + value1 + "]";
    }
}
