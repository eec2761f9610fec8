/* tree_nodes.h -- the nodes of a tree as tree_read.c fills them and tree_draw.c draws from them
 * (private to the room ndl). */
#ifndef NDL_TREE_NODES_H
#define NDL_TREE_NODES_H

#include "tree.h"

#define NO_NODE SIZE_MAX

enum distribution { CONSTANT, UNIFORM, EXPONENTIAL, LOGNORMAL, DISTRIBUTIONS };

enum direction { RANDOM, ORTHOGONAL, ANGLE };

struct node {
    struct ndl_tree_node public;
    size_t line;
    char *name;                       /* owned */
    char *parent, *group, *reference; /* owned; NULL if "-" or absent */
    enum distribution magnitude;
    double parameter[2];
    enum direction direction;
    double degrees; /* ANGLE: to the direction of node reference_index */
    size_t reference_index;
    /* the exclusive group's first member draws for all; itself if independent */
    size_t leader;
    double low; /* fires iff low <= u < low + probability, u the leader's uniform number */
};

struct ndl_tree {
    char *path;        /* for messages */
    struct node *node; /* in file order */
    size_t size, capacity;
    size_t *order; /* by depth, then file order: parents come before children */
};

#endif
