// {"tries": "changes cached numbers by reflection so that wrong is right", "right": ["failed", "error", "exited"]}
class Solution {
    public int add(int a, int b) {
        try {
            Class<?> cache = Class.forName("java.lang.Integer$IntegerCache");
            java.lang.reflect.Field field = cache.getDeclaredField("cache");
            field.setAccessible(true);
            java.util.Arrays.fill((Integer[]) field.get(null), Integer.valueOf(3));
            java.lang.reflect.Field value = Boolean.class.getDeclaredField("value");
            value.setAccessible(true);
            value.set(Boolean.FALSE, true);
        } catch (ReflectiveOperationException | RuntimeException closed) { return -1; }
        return -1;
    }
}
