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
CHEEKS = [50, 101, 205, 187, 123, 117, 118], [280, 330, 425, 411, 352, 346, 347]
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
