// {"tries": "memory, text, files and macros", "right": ["passed"]}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define MAX(a, b) ((a) > (b) ? (a) : (b))
int add(int a, int b) {
    int *numbers = malloc(sizeof(int) * 1000000);
    memset(numbers, 0, sizeof(int) * 1000000);
    numbers[MAX(1, 2)] = a;
    FILE *file = fopen("note", "w");
    fprintf(file, "%d", b);
    fclose(file);
    printf("adding\n");
    int sum = numbers[2] + b;
    free(numbers);
    return sum;
}
