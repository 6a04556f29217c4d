"""Which stamps of Tux Paint are photographs of a class of ImageNet-1k, and of which."""

from __future__ import annotations

__all__ = ["STAMP_CLASSES"]

_TABLE = """
animals/birds/chicken_profile n01514859 hen
animals/birds/crowned_crane n02012849 crane bird
animals/birds/drake n01847000 drake
animals/birds/duck n01847000 drake
animals/birds/gander n01855672 goose
animals/birds/hen n01514859 hen
animals/birds/peacock n01806143 peacock
animals/birds/pelican n02051845 pelican
animals/birds/penguin n02056570 king penguin
animals/birds/pink_flamingo n02007558 flamingo
animals/birds/rainbow-lorikeet n01820546 lorikeet
animals/birds/rooster n01514668 cock
animals/birds/tucan n01843383 toucan
animals/birds/vulture n01616318 vulture
animals/fish/lionfish n02643566 lionfish
animals/fish/lobster n01984695 spiny lobster
animals/insects/Brown_slug n01945685 slug
animals/insects/Woodlouse n01990800 isopod
animals/insects/mantis n02236044 mantis
animals/lizards/iguana n01677366 common iguana
animals/mammals/apes/chimp n02481823 chimpanzee
animals/mammals/apes/gorilla n02480855 gorilla
animals/mammals/aquatic/orca n02071294 killer whale
animals/mammals/aquatic/otter n02444819 otter
animals/mammals/aquatic/sea_lion n02077923 sea lion
animals/mammals/badger n02447366 badger
animals/mammals/bears/european-bear n02132136 brown bear
animals/mammals/bears/toys/edward_bear n04399382 teddy
animals/mammals/bovines/bison n02410509 bison
animals/mammals/bovines/ram n02412080 ram
animals/mammals/camel/dromedary n02437312 Arabian camel
animals/mammals/cats/lion n02129165 lion
animals/mammals/cats/lion-2 n02129165 lion
animals/mammals/cats/tiger n02129604 tiger
animals/mammals/cats/tiger_sumatran n02129604 tiger
animals/mammals/dogs/dingo n02115641 dingo
animals/mammals/dogs/fox n02119022 red fox
animals/mammals/equines/zebra n02391049 zebra
animals/mammals/hippopotamus n02398521 hippopotamus
animals/mammals/pig n02395406 hog
animals/mammals/pig_golden n02395406 hog
animals/mammals/pig_golden2 n02395406 hog
animals/mammals/rodents/beaver n02363005 beaver
animals/mammals/rodents/marmot n02361337 marmot
animals/mammals/wildboar n02396427 wild boar
animals/marsupials/koala n01882714 koala
animals/marsupials/wombat n01883070 wombat
food/fruit/Strawberry2 n07745940 strawberry
food/fruit/apple_granny_smith n07742313 Granny Smith
food/fruit/banana n07753592 banana
food/fruit/cherimoya n07760859 custard apple
food/fruit/lemon n07749582 lemon
food/fruit/orange n07747607 orange
food/fruit/orange_seville n07747607 orange
food/fruit/pineapple n07753275 pineapple
food/fruit/pomegranate n07768694 pomegranate
food/fruit/sliced_orange n07747607 orange
food/fruit/strawberry n07745940 strawberry
food/vegetables/broccoli n07714990 broccoli
food/vegetables/mushroom n07734744 mushroom
food/vegetables/pepper n07720875 bell pepper
food/vegetables/yellowpepper n07720875 bell pepper
hobbies/binoculars n02841315 binoculars
hobbies/camera_35mm n04069434 reflex camera
hobbies/music/brass/trumpet n03110669 cornet
hobbies/music/percussion/drum_tomtom_floor n03249569 drum
hobbies/music/percussion/drumkit n03249569 drum
hobbies/music/string/cello n02992211 cello
hobbies/music/string/guitar2 n03272010 electric guitar
hobbies/music/string/guitar_classical n02676566 acoustic guitar
hobbies/music/string/guitar_electric n03272010 electric guitar
hobbies/music/string/violin n04536866 violin
hobbies/music/wind/bassoon n02804610 bassoon
household/dishes/mug n03063599 coffee mug
household/dishes/pitcher_small n03950228 pitcher
household/dishes/teapot n04398044 teapot
household/garbagecan n02747177 ashcan
household/tools/hammer n03481172 hammer
household/tools/paintbrush_large n03876231 paintbrush
household/tools/spade n04208210 shovel
household/wheelie_bin n02747177 ashcan
medical/bandage_adhesive n02786058 Band Aid
medical/stethoscope n04317175 stethoscope
medical/syringe n04376876 syringe
military/paratrooper n03888257 parachute
military/vehicles/bradley n04389033 tank
military/vehicles/f22_raptor n04552348 warplane
plants/mushrooms/cep n13054560 bolete
plants/mushrooms/cep-1 n13054560 bolete
sports/basketball n02802426 basketball
sports/soccer n04254680 soccer ball
sports/tennis_ball n04409515 tennis ball
sports/tennis_racket n04039381 racket
town/usps_mailbox n03710193 mailbox
vehicles/auto/truck n03930630 pickup
vehicles/cycle/pink_tricycle n04482393 tricycle
vehicles/emergency/firetruck n03345487 fire engine
vehicles/flight/balloon360 n02782093 balloon
vehicles/flight/planes/747 n02690373 airliner
vehicles/garbagetruck n03417042 garbage truck
vehicles/race/indycar n04037443 racer
"""
STAMP_CLASSES: dict[str, str] = {
    stamp: synset for stamp, synset, *_ in map(str.split, _TABLE.strip().splitlines())
}
"""The WordNet id of each stamp, by its path without suffix.

Made by us from the stamps' names, English descriptions and pictures. A stamp is here if it is a
photograph and ImageNet has a class for it as WordNet describes the class. Left out: drawings;
animals of other species or breeds than the classes of ImageNet (a snowy owl, a domestic rabbit, a
red kangaroo); what two classes fit (corn and ear, sports car and convertible); and what can be
doubted (a bear without its species, a bass guitar). The answers of `efficientnet_lite0` on white lay
beside the pictures while this was made, so that its accuracy may be a little high.
"""
