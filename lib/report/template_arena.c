#include "lib/report/template_tree.h"

#include <stdlib.h>
#include <string.h>

struct template_room {
	struct template_room *next;
	max_align_t bytes[];
};

void *
template_alloc(struct template_arena *arena, size_t bytes)
{
	struct template_room *room = calloc(1, sizeof *room + bytes);

	if (room == NULL)
		return NULL;
	room->next = arena->rooms;
	arena->rooms = room;
	return room->bytes;
}

char *
template_copy(struct template_arena *arena, const char *text, size_t n)
{
	char *copy = template_alloc(arena, n + 1);

	if (copy != NULL && n != 0)
		memcpy(copy, text, n);
	return copy;
}

void
template_arena_free(struct template_arena *arena)
{
	while (arena->rooms != NULL) {
		struct template_room *room = arena->rooms;

		arena->rooms = room->next;
		free(room);
	}
}
