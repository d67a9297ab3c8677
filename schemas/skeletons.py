"""The numbers of all keypoints, once: MediaPipe's face, body and hand, and where others have theirs (pure).

Right and left are the person's own. What is looked up at once is a list, in the order in which it is drawn.
"""

FACE_POINTS, BODY_POINTS, HAND_POINTS = 468, 33, 21

# face: single keypoints; eyes by their outer corners
RIGHT_EYE, LEFT_EYE = 33, 263
NOSE_TIP, FOREHEAD, CHIN, RIGHT_CHEEK, LEFT_CHEEK = 1, 10, 152, 234, 454
RIGHT_MOUTH, LEFT_MOUTH = 61, 291
OUTER_EYES, MOUTH_CORNERS = (RIGHT_EYE, LEFT_EYE), (RIGHT_MOUTH, LEFT_MOUTH)
# where the lips meet, upper first
LIP_MIDDLES = (13, 14)
# the right eye first: corners as they lie from left to right in the picture, the lids' middles, upper first
EYE_CORNERS = ((33, 133), (362, 263))
LID_MIDDLES = ((159, 145), (386, 374))
# what a general head is posed by, in this order
POSE_POINTS = [NOSE_TIP, CHIN, RIGHT_EYE, LEFT_EYE, RIGHT_MOUTH, LEFT_MOUTH]

# face: outlines
FACE_OVAL = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
]  # fmt: skip
BROWS = (
    [70, 63, 105, 66, 107, 55, 65, 52, 53, 46],
    [300, 293, 334, 296, 336, 285, 295, 282, 283, 276],
)
# from the right eye's outer corner over the upper lid, and back
LIDS = (
    [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7],
    [362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382],
)
# the lids' points above one another, between the corners
UPPER_LIDS, LOWER_LIDS = [lids[1:8] for lids in LIDS], [lids[:8:-1] for lids in LIDS]
EYES = [33, 145, 133, 159, 153, 158, 144, 160], [263, 374, 362, 386, 380, 385, 373, 387]
LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]
INNER_LIPS = [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191]
# all points of either lip but the corners, from the outside in
UPPER_LIP = [
    185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11, 302, 303, 304, 408,
    183, 42, 41, 38, 12, 268, 271, 272, 407, 191, 80, 81, 82, 13, 312, 311, 310, 415,
]  # fmt: skip
LOWER_LIP = [
    146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307,
    96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324,
]  # fmt: skip
CHEEKS = [50, 101, 205, 187, 123, 117, 118], [280, 330, 425, 411, 352, 346, 347]
# around the end of the nose, which a mask over nose and mouth hides and no beard does; the nose between the
# eyes, and where it ends above the lips
NOSE_END, NOSE_BRIDGE, NOSE_BASE = [195, 5, 48, 278, 64, 294, 2], 6, 2
# around what is compared by itself
FACE_PARTS = {
    "face": FACE_OVAL,
    "eyes": [70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 263, 253, 339, 133, 362, 110, 23, 33],
    "nose": [168, 6, 195, 1, 2, 98, 327, 94, 49, 279, 129, 358],
    "mouth": [61, 291, 0, 17, 37, 267, 84, 314, 40, 270, 91, 321, 164, 18],
}
# around what a face grows: the middle of each group
NOSE_MIDDLE, NOSE_ENDS, NOSE_ROOT, FACE_MIDDLE, JAW = (4,), (6, 2), (168,), (5,), (152, 17)
EYE_CROSSES = ((159, 145, 33, 133), (386, 374, 263, 362))
# the 68 keypoints of iBUG's 300-W, in their order
IBUG_68 = [
    127, 234, 132, 58, 172, 150, 176, 148, 152, 377, 400, 379, 397, 288, 361, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 1, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
]  # fmt: skip

# face: what each keypoint is on the other side
MIRRORED = [
    0, 1, 2, 248, 4, 5, 6, 249, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 250, 251, 252, 253, 254,
    255, 256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 266, 267, 268, 269, 270, 271, 272, 273, 274,
    275, 276, 277, 278, 279, 280, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290, 291, 292, 293, 294,
    295, 296, 297, 298, 299, 300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314,
    315, 316, 317, 318, 319, 320, 321, 322, 323, 94, 324, 325, 326, 327, 328, 329, 330, 331, 332, 333,
    334, 335, 336, 337, 338, 339, 340, 341, 342, 343, 344, 345, 346, 347, 348, 349, 350, 351, 352, 353,
    354, 355, 356, 357, 358, 359, 360, 361, 362, 363, 364, 365, 366, 367, 368, 369, 370, 371, 372, 373,
    374, 375, 376, 377, 378, 379, 151, 152, 380, 381, 382, 383, 384, 385, 386, 387, 388, 389, 390, 164,
    391, 392, 393, 168, 394, 395, 396, 397, 398, 399, 175, 400, 401, 402, 403, 404, 405, 406, 407, 408,
    409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 195, 419, 197, 420, 199, 200, 421, 422, 423, 424,
    425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 436, 437, 438, 439, 440, 441, 442, 443, 444,
    445, 446, 447, 448, 449, 450, 451, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463, 464,
    465, 466, 467, 3, 7, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
    40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
    65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89,
    90, 91, 92, 93, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
    113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132,
    133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 153, 154,
    155, 156, 157, 158, 159, 160, 161, 162, 163, 165, 166, 167, 169, 170, 171, 172, 173, 174, 176, 177,
    178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, 196, 198, 201,
    202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216, 217, 218, 219, 220, 221,
    222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241,
    242, 243, 244, 245, 246, 247,
]  # fmt: skip

# body: the first so many are the head's
BODY_NOSE, HEAD_POINTS = 0, 11
BODY_MOUTH = (9, 10)
LEFT_SHOULDER, RIGHT_SHOULDER = 11, 12
SHOULDERS, HIPS = (LEFT_SHOULDER, RIGHT_SHOULDER), [23, 24]
WRISTS = {"left": 15, "right": 16}
# COCO's 17, in their order; what COCO does not have lies on a neighbour: inner and outer eyes, fingers, toes
COCO_17 = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
COCO_NOSE, COCO_EYES, COCO_HEAD_POINTS = 0, (1, 2), 5
COCO_NEIGHBOURS = {
    1: 2, 3: 2, 4: 5, 6: 5, 17: 15, 19: 15, 21: 15, 18: 16, 20: 16, 22: 16,
    29: 27, 31: 27, 30: 28, 32: 28,
}  # fmt: skip

# hand
HAND_WRIST, INDEX_KNUCKLE, MIDDLE_KNUCKLE, LITTLE_KNUCKLE, THUMB_TIP, INDEX_TIP = 0, 5, 9, 17, 4, 8
PALM_LENGTH = (HAND_WRIST, MIDDLE_KNUCKLE)
PALM_OUTLINE = [0, 1, 5, 9, 13, 17]
PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
# index, middle and ring finger's first joints after the knuckles
FINGER_JOINTS = (6, 10, 14)
FINGERS = ([1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16], [17, 18, 19, 20])
